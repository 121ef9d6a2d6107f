import { html, nothing } from "lit";
import { lang, t, tOr, waitWords, moment } from "../../shared/i18n.js";
import { otherLanguageUrl } from "../../shared/language.js";
import { backIcon, botIcon, closeIcon, personIcon } from "./icons.js";

/** The carrier and the state of an order in words. */
export const carrierName = (order) => tOr(`carrier.${order.carrier}`, order.carrier);
export const stateName = (order) => tOr(`state.${order.state}`, order.state);

/** What is in the parcel, if the merchant has told: a text, or one per language. */
export function goodsName(order) {
  const goods = order.goods ?? order.details?.goods;
  return typeof goods === "object" ? goods?.[lang] : goods;
}

/** Title, the order's line, language, and the way to a person, which is always there. */
export function header({ order, view, embedded, onHuman, onClose, onBack }) {
  return html`<header class="top">
    ${onBack ? html`<button class="plain" type="button" aria-label=${t("chat.other_orders")} @click=${onBack}>${backIcon}</button>` : nothing}
    <h1 tabindex="-1">${t("chat.title")}</h1>
    <a class="language" href=${otherLanguageUrl()} hreflang=${lang === "zh" ? "en" : "zh-CN"}
      lang=${lang === "zh" ? "en" : "zh-CN"}>${t("chat.other_language")}</a>
    ${humanButton(view, onHuman)}
    ${embedded ? html`<button class="plain" type="button" aria-label=${t("chat.close")} @click=${onClose}>${closeIcon}</button>` : nothing}
    ${order ? html`<p class="order-line">${orderLine(order)}</p>` : nothing}
  </header>`;
}

function orderLine(order) {
  return [stateName(order), goodsName(order) || carrierName(order), order.waybill].filter(Boolean).join(" · ");
}

/** Never hidden and never disabled; the words say how far the request has come. */
function humanButton(view, onHuman) {
  const owner = view?.owner ?? "bot";
  const key = { queue: "human.waiting", agent: "human.here" }[owner] ?? (view?.personAsked ? "human.asking" : "human.ask");
  return html`<button type="button" class="human" data-human data-state=${owner} @click=${onHuman}>
    ${personIcon}<span>${t(key)}</span>
  </button>`;
}

/** Who answers: the bot, nobody yet (with the place in line), or a person by name. */
export function ownerBanner(view) {
  const [icon, words] = {
    agent: [personIcon, t("owner.agent", { agent: view.agent || t("owner.someone") })],
    queue: [personIcon, queueWords(view.queue)],
  }[view.owner] ?? [botIcon, t("owner.bot")];
  return html`<p class="owner" data-owner=${view.owner} role="status">${icon}<span>${words}</span></p>`;
}

function queueWords(queue) {
  if (queue?.promised_at) return t("owner.closed", { at: moment(queue.promised_at) });
  if (!queue?.position) return t("owner.queue");
  return t("owner.queue_position", { position: queue.position, wait: waitWords(queue.wait_s ?? 0) });
}
