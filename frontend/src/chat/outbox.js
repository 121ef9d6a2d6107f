// What the customer has sent and the desk has not yet confirmed. It lives in localStorage, so that
// a reload or a dead network loses nothing; the client id makes sending it twice harmless.
import { newId } from "../shared/ids.js";
import { load, save } from "../shared/storage.js";

const KEY = "kefu.outbox";

/** The unsent items of one order. An item: {client_id, order_id, kind, at, text?, category?, choice?, failed?}. */
export class Outbox {
  constructor(orderId) {
    this.orderId = orderId;
    // The copy for browsers that refuse localStorage.
    this.memory = [];
  }

  /** Items of this order, oldest first. `kind` is text, choice, tick or human. */
  get items() {
    return this.#read().filter((item) => item.order_id === this.orderId);
  }

  /** Puts an item at the end; a second request for a person is the same request. */
  add(item) {
    const waiting = item.kind === "human" && this.items.find((other) => other.kind === "human");
    if (waiting) return waiting;
    const stored = { client_id: newId(), order_id: this.orderId, at: new Date().toISOString(), ...item };
    this.#write([...this.#read(), stored]);
    return stored;
  }

  /** What to send next: a request for a person before anything else, then the oldest. */
  next() {
    const sendable = this.items.filter((item) => !item.failed);
    return sendable.find((item) => item.kind === "human") ?? sendable[0];
  }

  /** The desk has it, or the customer gave it up. */
  remove(clientId) {
    this.#write(this.#read().filter((item) => item.client_id !== clientId));
  }

  /** The desk refused it: kept and shown with `reason` until retried or removed. */
  fail(clientId, reason) {
    this.#change(clientId, { failed: reason || true });
  }

  /** Tries a refused item again, under the same client id. */
  retry(clientId) {
    this.#change(clientId, { failed: undefined });
  }

  #change(clientId, changes) {
    this.#write(
      this.#read().map((item) => (item.client_id === clientId ? { ...item, ...changes } : item)),
    );
  }

  #read() {
    const stored = load(KEY, null);
    return Array.isArray(stored) ? stored : this.memory;
  }

  #write(items) {
    this.memory = items;
    save(KEY, items.length ? items : undefined);
  }
}
