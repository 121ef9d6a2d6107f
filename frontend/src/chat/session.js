// One customer's chat about one order: log, outbox and link together. The element draws it.
import { request } from "../shared/api.js";
import { t } from "../shared/i18n.js";
import { Link } from "./link.js";
import { Log, derive } from "./log.js";
import { Outbox } from "./outbox.js";
import { Sender } from "./sender.js";

/** How long a sign of typing holds (ms), and how often one is sent. */
const TYPING_HOLDS = 6000;
const TYPING_EVERY = 4000;

/** Emits `change` when there is something to draw, `ticket` on news of one, `lost` without session. */
export class ChatSession extends EventTarget {
  constructor(order) {
    super();
    this.order = order;
    this.conversation = null;
    this.log = new Log();
    this.sent = new Map(); // confirmed by the desk, its event not here yet
    this.queue = null;
    this.state = "connecting";
    this.ready = false;
    this.typingUntil = 0;
    this.refusal = "";
    this.outbox = new Outbox(order.id);
    this.sender = new Sender({
      outbox: this.outbox,
      deliver: (item) => this.#deliver(item),
      onSent: (item, answer) => this.#onSent(item, answer),
      onChange: () => this.#changed(),
      onSessionLost: () => this.#lost(),
    });
    this.sender.onRefused = (item, error) => {
      if (item.kind !== "text") this.refusal = error.message;
    };
  }

  /** Finds the conversation of the order, if there is one, and sends what was left unsent. */
  async open() {
    this.sender.flush(); // not waiting for the look-up: a request for a person may be in there
    for (let failures = 0; !this.link && !this.stopped; failures += 1) {
      try {
        const path = `/api/conversations?order_id=${encodeURIComponent(this.order.id)}`;
        this.#follow(await request("GET", path));
      } catch (error) {
        if (error.status === 401) return this.#lost();
        if (!error.retryable) break; // 404: nothing has been said about this order yet
        this.#setState(navigator.onLine ? "connecting" : "offline");
        await new Promise((resolve) => setTimeout(resolve, Math.min(1000 * 2 ** failures, 15_000)));
      }
    }
    if (!this.link) {
      this.ready = true;
      this.#setState("idle");
    }
  }

  stop() {
    this.stopped = true;
    this.link?.stop();
  }

  /** The network or the page is back: connect and send again at once. */
  wake() {
    this.sender.flush();
    this.link?.start();
    this.#changed();
  }

  /** What the page shows; see `derive`. */
  get view() {
    const view = derive(this.log.events, this.pending, this.conversation);
    const asked = this.pending.some((item) => item.kind === "human");
    return {
      ...view,
      queue: this.queue ?? view.queue,
      personAsked: asked && view.owner === "bot",
      typing: Date.now() < this.typingUntil && view.owner === "agent",
    };
  }

  /** The customer's own items that are not in the log yet, oldest first. */
  get pending() {
    const unsent = this.outbox.items;
    const known = new Set(unsent.map((item) => item.client_id));
    const sent = [...this.sent.values()].filter((item) => !known.has(item.client_id));
    return [...sent, ...unsent].filter((item) => !this.log.holds(item.client_id));
  }

  /** Sends words, a ticked category, or both. */
  say(text, category) {
    this.#put(text ? { kind: "text", text, category } : { kind: "tick", category });
  }

  choose({ id, label }) {
    this.#put({ kind: "choice", choice: id, text: label });
  }

  /** A person, now. Any number of taps is one request. */
  human() {
    if (this.view.owner === "bot") this.#put({ kind: "human" });
  }

  retry(clientId) {
    this.outbox.retry(clientId);
    this.wake();
  }

  remove(clientId) {
    this.outbox.remove(clientId);
    this.#changed();
  }

  /** Reopens a completed ticket. */
  reopen(ticketId) {
    return this.#tell(ticketId, "reopen", {});
  }

  /** Says whether a ticket is settled; a second tap while the first is on its way does nothing. */
  async settle(ticketId, settled) {
    if (this.settling) return;
    this.settling = true;
    try {
      await this.#tell(ticketId, "settled", { settled });
    } finally {
      this.settling = false;
    }
  }

  /** The log tells what came of it, the network line why it could not be. */
  async #tell(ticketId, what, body) {
    this.refusal = "";
    try {
      await request("POST", `/api/tickets/${encodeURIComponent(ticketId)}/${what}`, body);
      await this.link?.catchUp();
    } catch (error) {
      this.refusal = error.message || t("network.reconnecting");
      this.#changed();
    }
  }

  /** Tells a person at the other end that the customer is writing, now and then. */
  typed() {
    const due = Date.now() - (this.typedAt ?? 0) > TYPING_EVERY;
    if (!due || !this.conversation || this.view.owner !== "agent") return;
    this.typedAt = Date.now();
    request("POST", `/api/conversations/${this.conversation.id}/typing`, {}).catch(() => {});
  }

  #put(item) {
    this.refusal = "";
    this.outbox.add(item);
    this.#changed();
    this.sender.flush();
  }

  async #deliver(item) {
    const { client_id, kind, text, category, choice } = item;
    if (kind === "human") {
      if (!this.conversation) await this.#create({ client_id: `${client_id}.open` });
      return request("POST", `/api/conversations/${this.conversation.id}/human`, {});
    }
    if (kind === "tick") return this.#create({ client_id, category });
    if (!this.conversation) return this.#create({ client_id, text, category });
    const body = kind === "choice" ? { client_id, choice } : { client_id, text, category };
    return request("POST", `/api/conversations/${this.conversation.id}/messages`, body);
  }

  async #create(body) {
    const answer = await request("POST", "/api/conversations", { order_id: this.order.id, ...body });
    this.#follow(answer);
    return answer;
  }

  #follow(answer) {
    const conversation = answer.conversation ?? answer;
    this.conversation = { ...this.conversation, ...conversation };
    if (this.link) {
      this.#changed();
      return;
    }
    this.link = new Link(conversation.id, {
      onEvents: (events) => this.#onEvents(events),
      onTyping: (author) => this.#onTyping(author),
      onQueue: (queue) => {
        this.queue = queue;
        this.#changed();
      },
      onState: (state) => this.#setState(state),
      onReady: () => {
        this.ready = true;
        this.#changed();
      },
      onSessionLost: () => this.#lost(),
    });
    this.link.start();
  }

  #onSent(item, answer) {
    const spoken = item.kind === "text" || item.kind === "choice";
    if (spoken && !this.log.holds(item.client_id)) this.sent.set(item.client_id, item);
    const events = [answer?.event, ...(answer?.events ?? []), answer?.seq ? answer : null];
    for (const event of events) if (event) this.#take(event);
    // Where the stream is down, the answer should not wait for the next look.
    if (this.state !== "live") this.link?.catchUp().catch(() => {});
  }

  #onEvents(events) {
    for (const event of events) this.#take(event);
    this.#changed();
  }

  #take(event) {
    if (event.kind === "typing") return this.#onTyping(event.author);
    if (!this.log.add(event)) return undefined;
    if (event.client_id) this.#confirmed(event.client_id);
    if (event.kind === "owner") this.queue = event.queue ?? null;
    if (event.author === "agent") this.typingUntil = 0;
    if (event.kind === "ticket" && this.ready) this.dispatchEvent(new Event("ticket"));
    return undefined;
  }

  /** The log holds it, so the desk has it, whether or not its answer to the request came through. */
  #confirmed(clientId) {
    this.sent.delete(clientId);
    if (!this.outbox.items.some((item) => item.client_id === clientId)) return;
    this.outbox.remove(clientId);
    this.sender.flush();
  }

  #onTyping(author) {
    if (author !== "agent") return; // what the bot owes is known from the log
    this.typingUntil = Date.now() + TYPING_HOLDS;
    setTimeout(() => this.#changed(), TYPING_HOLDS + 50);
    this.#changed();
  }

  #setState(state) {
    this.state = state;
    this.#changed();
  }

  #lost() {
    this.stop();
    this.dispatchEvent(new Event("lost"));
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
