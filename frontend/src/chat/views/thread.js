import { html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { clockTime, moment, t } from "../../shared/i18n.js";
import { personIcon } from "./icons.js";
import { ticketCard } from "./ticket.js";

/** Minutes of silence after which the time is shown again. */
const QUIET_MINUTES = 10;

/** The conversation as a live region: nodes are keyed, so that readers hear each message once. */
export function thread({ session, view, labels, actions }) {
  const events = session.log.events.filter((event) => event.kind === "message" || event.kind === "ticket");
  const pending = session.pending.filter((item) => item.kind === "text" || item.kind === "choice");
  let before = 0;
  const rows = events.map((event) => {
    const at = Date.parse(event.at);
    const quiet = at - before > QUIET_MINUTES * 60_000;
    before = at;
    return { key: event.client_id ?? `e${event.seq}`, event, quiet };
  });
  rows.push(...pending.map((item) => ({ key: item.client_id, item })));
  return html`<ol class="log" role="log" aria-label=${t("chat.log")} aria-live=${session.ready ? "polite" : "off"}>
    ${repeat(rows, (row) => row.key, (row) => drawRow(row, { view, labels, actions }))}
  </ol>`;
}

function drawRow({ event, item, quiet }, { view, labels, actions }) {
  if (item) return bubble({ author: "customer", ...item }, { labels, actions, pending: true });
  const time = quiet
    ? html`<li class="time" aria-hidden="true">${moment(event.at)}</li>`
    : nothing;
  if (event.kind === "ticket") {
    const current = view.tickets.get(event.ticket.id) === event.seq;
    return html`${time}${ticketCard(event.ticket, { current, actions, label: labels.get(event.ticket.category) })}`;
  }
  return html`${time}${bubble(event, { labels, actions })}`;
}

function bubble(message, { labels, actions, pending = false }) {
  const who = message.author === "agent" && message.agent
    ? t("said.agent_named", { agent: message.agent })
    : t(`said.${message.author}`);
  const ticked = message.category && labels.get(message.category);
  return html`<li class="row" data-author=${message.author} ?data-pending=${pending} ?data-failed=${Boolean(message.failed)}>
    <div class="bubble">
      <span class="unseen">${who}</span>
      ${message.author === "agent" ? html`<span class="name" aria-hidden="true">${message.agent ?? ""}</span>` : nothing}
      ${ticked ? html`<span class="ticked">${ticked}</span>` : nothing}
      <p dir="auto">${message.text}</p>
      <time class="unseen" datetime=${message.at}>${clockTime(message.at)}</time>
    </div>
    ${pending ? pendingLine(message, actions) : nothing}
  </li>`;
}

function pendingLine(item, actions) {
  if (!item.failed) return html`<p class="sending">${t("send.sending")}</p>`;
  const reason = typeof item.failed === "string" ? item.failed : "";
  return html`<div class="failed" role="alert">
    <p>${t("send.failed")} ${reason}</p>
    <button type="button" @click=${() => actions.retry(item.client_id)}>${t("send.retry")}</button>
    <button type="button" @click=${() => actions.remove(item.client_id)}>${t("send.remove")}</button>
  </div>`;
}

/** Before anything has been said. */
export function welcome(ticked) {
  return html`<div class="welcome">
    ${ticked ? nothing : html`<p class="welcome-title">${t("welcome.title")}</p>`}
    <p>${ticked ? t("welcome.ticked", { label: ticked }) : t("welcome.text")}</p>
  </div>`;
}

/** The open question's buttons. Where a person is the only choice, the header's button is enough. */
export function choiceButtons(open, { choose, human }) {
  if (!open?.choices.some(({ id }) => id !== "human")) return nothing;
  return html`<div class="choices" role="group" aria-label=${t("chat.choices")}>
    ${repeat(open.choices, ({ id }) => id, (choice) =>
      choice.id === "human"
        ? html`<button type="button" class="choice quiet" data-choice="human" @click=${human}>${personIcon}${choice.label}</button>`
        : html`<button type="button" class="choice ${choice.id === "none" ? "quiet" : ""}" data-choice=${choice.id}
            @click=${() => choose(choice)}>${choice.label}</button>`)}
  </div>`;
}

/** Three dots while somebody writes; after a while, words and the way out. */
export function waiting({ typing, owed, slow }, { human }) {
  if (!typing && !owed) return nothing;
  return html`<div class="waiting">
    <span class="dots" aria-hidden="true"><i></i><i></i><i></i></span>
    ${slow && !typing
      ? html`<p role="status">${t("wait.slow")}</p>
          <button type="button" class="choice quiet" @click=${human}>${personIcon}${t("human.ask")}</button>`
      : html`<p class="unseen" role="status">${t(typing ? "wait.agent_types" : "wait.bot_types")}</p>`}
  </div>`;
}
