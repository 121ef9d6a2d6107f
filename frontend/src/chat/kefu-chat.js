// <kefu-chat>: chooses the order, then draws a ChatSession. Light DOM: the page's one style sheet
// and labels apply, and what the server rendered is replaced by the same at once.
import { LitElement, html } from "lit";
import { request } from "../shared/api.js";
import { demo } from "../shared/i18n.js";
import { embedded, hearHost, tellHost } from "./host.js";
import { NetworkLine } from "./network.js";
import { Patience } from "./patience.js";
import { Scroller, followViewport } from "./scroller.js";
import { ChatSession } from "./session.js";
import { conversation } from "./views/conversation.js";
import { foot } from "./views/foot.js";
import { header, ownerBanner } from "./views/header.js";
import { lostPage, orderList } from "./views/orders.js";

const touch = () => !matchMedia("(pointer: fine)").matches;

export class KefuChat extends LitElement {
  /** Settles when the session is there (or surely not). */
  static signedIn = Promise.resolve();

  orders = null;
  session = null;
  categories = [];
  ticked = null;
  menuOpen = null; // null = open until something has been said
  text = "";
  lost = false;
  unknown = false;
  humanWanted = false;
  network = new NetworkLine(() => this.requestUpdate());
  patience = new Patience(() => this.requestUpdate());
  scroller = new Scroller(this);

  createRenderRoot() {
    return this;
  }

  connectedCallback() {
    this.replaceChildren();
    super.connectedCallback();
    this.start();
  }

  async start() {
    followViewport(this);
    addEventListener("online", () => this.wake());
    addEventListener("pageshow", (event) => event.persisted && this.wake());
    addEventListener("offline", () => this.requestUpdate());
    addEventListener("popstate", () => this.fromAddress());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.wake());
    addEventListener("keydown", (event) => event.key === "Escape" && tellHost("close"));
    hearHost({ onOpen: () => this.opened(), onClose: () => (this.hostClosed = true) });
    // Taps from before this script ran (static/chat/early.js).
    if (document.documentElement.hasAttribute("data-human-wanted")) this.humanWanted = true;
    await KefuChat.signedIn;
    this.loadCategories();
    this.fromAddress();
    tellHost("ready");
  }

  /** Opens the order named in the address, or the list. */
  fromAddress() {
    const id = new URLSearchParams(location.search).get("order");
    this.leave();
    if (id) this.enter({ id });
    this.loadOrders(id);
  }

  async loadOrders(current) {
    try {
      const answer = await request("GET", "/api/orders");
      this.orders = answer.orders ?? answer;
      const known = this.orders.find(({ id }) => id === current);
      if (known && this.session?.order.id === current) this.session.order = known;
      if (current && !known && this.session?.order.id === current) {
        this.leave(); // somebody else's order, or one that is gone
        this.unknown = true;
      }
      if (!this.session && this.humanWanted && this.orders.length === 1) this.chooseOrder(this.orders[0]);
    } catch (error) {
      if (error.status === 401) this.lost = true;
      else if (error.retryable) setTimeout(() => this.orders ?? this.loadOrders(current), 3000);
    }
    this.requestUpdate();
  }

  async loadCategories() {
    try {
      this.categories = (await request("GET", "/api/categories")).categories ?? [];
    } catch (error) {
      if (error.retryable) setTimeout(() => this.loadCategories(), 3000);
    }
    this.requestUpdate();
  }

  enter(order) {
    this.unknown = false;
    this.session = new ChatSession(order);
    this.session.addEventListener("change", () => this.requestUpdate());
    // A carrier's news completes tickets and moves the parcel: show its new state too.
    this.session.addEventListener("ticket", () => this.loadOrders(order.id));
    this.session.addEventListener("lost", () => {
      this.lost = true;
      this.requestUpdate();
    });
    if (this.humanWanted) this.session.human();
    this.humanWanted = false;
    this.session.open();
    this.requestUpdate();
    if (!touch() && !embedded) this.updateComplete.then(() => this.field?.focus());
  }

  leave() {
    this.session?.stop();
    Object.assign(this, { session: null, ticked: null, menuOpen: null, text: "" });
    this.patience.since = 0;
    this.scroller.seen = 0;
  }

  chooseOrder(order) {
    const url = new URL(location.href);
    url.searchParams.set("order", order.id);
    history.pushState({ kefu: "order" }, "", url);
    this.leave();
    this.enter(order);
  }

  showOrders() {
    const url = new URL(location.href);
    url.searchParams.delete("order");
    history.pushState({}, "", url);
    this.leave();
    this.requestUpdate();
  }

  wake() {
    this.session?.wake();
    this.requestUpdate();
  }

  /** The embedding page has opened the panel: the focus belongs in here. */
  opened() {
    this.hostClosed = false;
    if (touch()) this.querySelector("h1")?.focus();
    else this.field?.focus();
    this.scroller.down();
  }

  human() {
    if (this.session) this.session.human();
    else if (this.orders?.length === 1) {
      this.humanWanted = true;
      this.chooseOrder(this.orders[0]);
    } else this.humanWanted = true;
    this.requestUpdate();
  }

  send(event) {
    event?.preventDefault();
    const text = this.text.trim();
    if (!this.canSend) return;
    this.session.say(text, this.ticked ?? undefined);
    Object.assign(this, { text: "", ticked: null, menuOpen: false });
    if (this.field) {
      this.field.value = "";
      this.fit();
    }
    this.scroller.down();
  }

  /** Words, or a ticked category as the very first thing. */
  get canSend() {
    const first = !this.session?.conversation && !this.session?.pending.length;
    return Boolean(this.session && (this.text.trim() || (this.ticked && first)));
  }

  get field() {
    return this.querySelector("#kefu-text");
  }

  fit() {
    this.field.style.height = "auto";
    this.field.style.height = `${this.field.scrollHeight + 2}px`;
  }

  willUpdate() {
    this.scroller.before();
  }

  updated() {
    const events = this.session?.log.events ?? [];
    const mark = (events.at(-1)?.seq ?? 0) + (this.session?.pending.length ?? 0) / 1000;
    const fresh = this.scroller.after(mark);
    if (fresh && this.hostClosed && events.at(-1)?.author !== "customer") tellHost("unread");
  }

  get listState() {
    const { orders, humanWanted, unknown } = this;
    return { orders, humanWanted, unknown };
  }

  scrolled() {
    if (!this.scroller.newBelow || !this.scroller.atBottom) return;
    this.scroller.newBelow = false;
    this.requestUpdate();
  }

  render() {
    const view = this.session?.view;
    const top = header({
      order: this.session?.order.state ? this.session.order : null,
      view,
      embedded,
      onHuman: () => this.human(),
      onClose: () => tellHost("close"),
      onBack: this.session && this.orders?.length > 1 ? () => this.showOrders() : null,
    });
    if (this.lost) return html`${top}${lostPage(demo)}`;
    if (!this.session) {
      const onChoose = (order) => this.chooseOrder(order);
      return html`${top}${orderList({ ...this.listState, onChoose })}`;
    }
    return html`${top}${ownerBanner(view)}${conversation(this, view)}${foot(this, view)}`;
  }

  /** The category menu: one is ticked, or none. */
  tick(id, begun) {
    this.ticked = this.ticked === id ? null : id;
    if (begun) this.menuOpen = false;
    this.requestUpdate();
    if (this.ticked && !touch()) this.field?.focus();
  }

  /** The button that was used is about to go: the focus must not be lost with it. */
  keepFocus() {
    if (!touch()) this.field?.focus();
  }

  typed() {
    this.text = this.field.value;
    this.fit();
    this.session.typed();
    this.requestUpdate();
  }
}
