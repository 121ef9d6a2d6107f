// The demo shop: sample customers, their orders, the carrier simulator and the way to the desk.
import { html, nothing, render } from "lit";
import { request } from "../shared/api.js";
import { lang, t } from "../shared/i18n.js";
import { settleLanguage } from "../shared/language.js";
import { load, save } from "../shared/storage.js";
import { customerPicker, deskPart, orderCard } from "./views.js";

const CHOSEN = "kefu.demo.customer";
const shop = {
  customers: null,
  logins: [],
  chosen: null,
  results: new Map(), // order id -> what the last simulator button sent and got
  status: "",
  failed: false,
};

function draw() {
  const customer = shop.customers?.find(({ id }) => id === shop.chosen);
  render(
    html`
      <p class="shop-status" role="status">${shop.failed ? t("demo.failed") : shop.status}</p>
      ${shop.customers ? customerPicker(shop.customers, shop.chosen, choose) : nothing}
      ${shop.customers || shop.failed ? nothing : html`<p>${t("demo.loading")}</p>`}
      ${customer
        ? html`<section>
            <div class="section-head">
              <h2>${t("demo.step_orders", { name: customer.name })}</h2>
              <button type="button" class="button second" @click=${reset}>${t("demo.reset")}</button>
            </div>
            <div class="cards">
              ${customer.orders.map((order) => orderCard(order, { result: shop.results.get(order.id), help, push, ask }))}
            </div>
          </section>`
        : nothing}
      ${deskPart(shop.logins)}
    `,
    document.getElementById("shop-parts"),
  );
}

async function reload() {
  const answer = await request("GET", "/api/demo/customers");
  shop.customers = answer.customers ?? answer;
  draw();
}

async function choose(id) {
  await request("POST", "/api/demo/login", { customer: id });
  shop.chosen = id;
  shop.status = "";
  save(CHOSEN, id);
  draw();
}

/** The widget beside the shop on a wide screen, the whole page on a phone. */
function help(order) {
  const wide = matchMedia("(min-width: 601px)").matches;
  if (wide && window.Kefu) window.Kefu.open({ order: order.id });
  else location.href = `/chat?order=${encodeURIComponent(order.id)}&lang=${lang}`;
}

function push(order, { name, ...event }) {
  return simulate(order, name, "callback", event);
}

/** Ask the carrier now, as the desk does by itself when news is overdue. */
function ask(order) {
  return simulate(order, t("demo.ask"), "ask", {});
}

async function simulate(order, name, route, body) {
  const path = `/api/demo/orders/${encodeURIComponent(order.id)}/${route}`;
  try {
    const { sent, answer, status, lost, outcome } = await request("POST", path, body);
    shop.results.set(order.id, { name, sent, answer, status, lost, asked: outcome });
  } catch (error) {
    shop.results.set(order.id, { name, status: error.status, answer: { message: error.message } });
  }
  draw();
  await reload();
  setTimeout(() => reload().catch(() => {}), 1500); // the fact is applied by a job a moment later
}

async function reset() {
  window.Kefu?.close();
  await request("POST", "/api/demo/reset", { customer: shop.chosen });
  shop.results.clear();
  shop.status = t("demo.reset_done");
  await reload();
}

async function start() {
  draw();
  await reload();
  const remembered = load(CHOSEN, null);
  const first = shop.customers.find(({ id }) => id === remembered) ?? shop.customers[0];
  if (first) await choose(first.id);
  const logins = await request("GET", "/api/demo/logins");
  shop.logins = logins.logins ?? logins;
  draw();
}

if (!settleLanguage()) {
  start().catch(() => {
    shop.failed = true;
    draw();
  });
}
