import { html, nothing } from "lit";
import { t, tOr } from "../shared/i18n.js";

/** What the simulator can report: the carrier's source and code, named by what it means. */
const PUSHES = [
  { key: "demo.push_accepted", source: "order", code: 1 },
  { key: "demo.push_collected", source: "order", code: 10 },
  { key: "demo.push_in_transit", source: "order", code: 101 },
  { key: "demo.push_out_for_delivery", source: "order", code: 400 },
  { key: "demo.push_delivered", source: "order", code: 13 },
  { key: "demo.push_cancelled", source: "order", code: 99 },
  { key: "demo.push_weight", source: "order", code: 155 },
  { key: "demo.push_bad", source: "order", code: 10, sign: "bad" },
  { key: "demo.push_lost", source: "order", code: 10, lost: true },
];

/** What became of asking the carrier, in words. */
const ASKED = {
  news: "demo.asked_news",
  nothing_new: "demo.asked_nothing",
  refused: "demo.asked_nothing",
  taken: "demo.asked_later",
  limit: "demo.asked_later",
};

/** The sample customers; one is chosen. */
export function customerPicker(customers, chosen, onChoose) {
  return html`<section>
    <h2>${t("demo.step_customer")}</h2>
    <div class="customers" role="group" aria-label=${t("demo.step_customer")}>
      ${customers.map(
        ({ id, name, about, orders }) => html`<button type="button" class="customer" data-customer=${id}
          aria-pressed=${id === chosen ? "true" : "false"} @click=${() => onChoose(id)}>
          <span class="face" aria-hidden="true">${[...name][0]}</span>
          <span class="customer-words"><strong>${name}</strong><span>${about ?? t("demo.orders_count", { n: orders.length })}</span></span>
        </button>`,
      )}
    </div>
  </section>`;
}

/** One order, with the way to the chat and the carrier simulator. */
export function orderCard(order, { result, help, push, ask }) {
  return html`<article class="card" data-order=${order.id}>
    <div class="card-head">
      <h3>${order.goods || order.id}</h3>
      <span class="pill" data-state=${order.state}>${tOr(`state.${order.state}`, order.state)}</span>
    </div>
    <p class="card-line">${tOr(`carrier.${order.carrier}`, order.carrier)}</p>
    <p class="card-line">${order.waybill ? t("demo.waybill", { waybill: order.waybill }) : t("demo.no_waybill")}</p>
    <button type="button" class="button help" @click=${() => help(order)}>${t("demo.help")}</button>
    <details class="simulator">
      <summary>${t("demo.simulator")}</summary>
      <p>${t("demo.simulator_hint")}</p>
      <div class="pushes">
        ${PUSHES.map(
          ({ key, source, code, sign, lost }) => html`<button type="button" class="push ${sign || lost ? "bad" : ""}"
            data-push=${sign ?? (lost ? "lost" : code)}
            @click=${() => push(order, { name: t(key), source, code, sign, lost })}>
            ${t(key)} <code>${code}</code></button>`,
        )}
        <button type="button" class="push" data-push="ask" @click=${() => ask(order)}>${t("demo.ask")}</button>
      </div>
      <div aria-live="polite">${result ? outcome(result) : nothing}</div>
    </details>
  </article>`;
}

function outcome({ name, sent, answer, status, lost, asked }) {
  if (lost || asked) {
    return html`<div class="outcome" data-accepted=${asked === "news" ? "yes" : "no"}>
      <p class="verdict">${t(lost ? "demo.lost_result" : (ASKED[asked] ?? "demo.asked_failed"))}</p></div>`;
  }
  const accepted = status >= 200 && status < 300;
  return html`<div class="outcome" data-accepted=${accepted ? "yes" : "no"}>
    <p class="verdict">${t(accepted ? "demo.accepted_result" : "demo.refused_result", { name })}</p>
    <dl>
      ${sent
        ? html`<dt>${t("demo.sent")}</dt><dd><pre tabindex="0">${pretty(sent.param)}</pre></dd>
            <dt>${t("demo.sign")}</dt><dd><code>${sent.sign}</code></dd>`
        : nothing}
      <dt>${t("demo.answer", { status })}</dt><dd><pre tabindex="0">${pretty(answer)}</pre></dd>
    </dl>
  </div>`;
}

function pretty(value) {
  try {
    return JSON.stringify(typeof value === "string" ? JSON.parse(value) : value, null, 2);
  } catch {
    return String(value);
  }
}

/** Where agents work, and with which sample logins. */
export function deskPart(logins) {
  return html`<section class="desk">
    <div>
      <h2>${t("demo.desk_title")}</h2>
      <p>${t("demo.desk_text")}</p>
      <p><a class="button second" href="/desk" target="_blank" rel="noopener">${t("demo.desk_open")}</a></p>
    </div>
    ${logins.length
      ? html`<table>
          <thead><tr>${["login", "password", "name", "role"].map((column) => html`<th scope="col">${t(`demo.${column}`)}</th>`)}</tr></thead>
          <tbody>
            ${logins.map(
              ({ login, password, name, role }) => html`<tr>
                <td><code>${login}</code></td><td><code>${password}</code></td><td>${name}</td>
                <td>${tOr(`demo.role_${role}`, role)}</td></tr>`,
            )}
          </tbody>
        </table>`
      : nothing}
  </section>`;
}
