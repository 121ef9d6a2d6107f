import { html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { t } from "../../shared/i18n.js";
import { carrierName, goodsName, stateName } from "./header.js";
import { downIcon, parcelIcon } from "./icons.js";

/** The customer's orders to choose from. */
export function orderList({ orders, humanWanted, unknown, onChoose }) {
  return html`<main class="orders">
    <h2>${t("orders.title")}</h2>
    ${unknown ? html`<p class="notice" role="status">${t("orders.unknown")}</p>` : nothing}
    ${humanWanted ? html`<p class="notice" role="status">${t("orders.choose_for_human")}</p>` : nothing}
    ${orders === null ? html`<p>${t("orders.loading")}</p>` : nothing}
    ${orders?.length === 0 ? html`<p>${t("orders.none")}</p>` : nothing}
    <ul>
      ${repeat(orders ?? [], ({ id }) => id, (order) => html`<li>
        <button type="button" class="order" @click=${() => onChoose(order)}>
          <span class="order-icon">${parcelIcon}</span>
          <span class="order-words">
            <strong>${goodsName(order) || carrierName(order)}</strong>
            <span>${carrierName(order)} ${order.waybill ?? ""}</span>
          </span>
          <span class="pill">${stateName(order)}</span>
          <span class="forward">${downIcon}</span>
        </button>
      </li>`)}
    </ul>
  </main>`;
}

/** No session: where to come from. */
export function lostPage(demo) {
  return html`<main class="lost" role="alert">
    <h2>${t("lost.title")}</h2>
    <p>${t("lost.text")}</p>
    ${demo ? html`<p><a class="button" href="/demo" target="_top">${t("lost.demo")}</a></p>` : nothing}
  </main>`;
}
