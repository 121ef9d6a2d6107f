// The way events come in: history first, then SSE, and long polling where SSE does not get through.
import { request } from "../shared/api.js";
import { lang } from "../shared/i18n.js";

const PAUSES = [1000, 2000, 4000, 8000, 15_000];
const SSE_TRIES = 2;
/** After this long on polling (ms), SSE gets another chance. */
const BACK_TO_SSE = 30_000;
/** A stream can die without a sign (sleeping phones, proxies): look after it this often (ms). */
const LOOK_AFTER = 45_000;
/** The desk's pages of the log are longer than this (500): a shorter one is the last. */
const SHORT_PAGE = 100;

/**
 * Follows one conversation. Handlers: onEvents(events), onTyping(author), onQueue(queue),
 * onState("connecting" | "live" | "polling" | "offline"), onReady() once history is in, onSessionLost().
 */
export class Link {
  constructor(conversationId, handlers) {
    this.base = `/api/conversations/${encodeURIComponent(conversationId)}`;
    this.handlers = handlers;
    this.cursor = 0;
    this.round = 0;
    this.streamFailures = 0;
  }

  /** Starts or starts over; whatever ran before is dropped. Resumes after the last event received. */
  async start() {
    const round = this.#drop();
    this.handlers.onState(navigator.onLine ? "connecting" : "offline");
    for (let failures = 0; round === this.round; failures += 1) {
      try {
        await this.catchUp();
        break;
      } catch (error) {
        if (this.#lost(error)) return;
        this.handlers.onState(navigator.onLine ? "connecting" : "offline");
        await pause(PAUSES[Math.min(failures, PAUSES.length - 1)]);
      }
    }
    if (round !== this.round) return;
    this.handlers.onReady();
    this.streamFailures = 0;
    this.#stream(round);
    this.lookAfter = setInterval(() => this.catchUp().catch(() => {}), LOOK_AFTER);
  }

  /** Fetches what is missing, without waiting for more. */
  async catchUp() {
    for (let more = true; more; ) {
      const { events = [] } = await request("GET", `${this.base}/events?after=${this.cursor}`);
      this.#take(events);
      more = events.length >= SHORT_PAGE;
    }
  }

  stop() {
    this.#drop();
  }

  #drop() {
    this.source?.close();
    this.cut?.abort();
    clearInterval(this.lookAfter);
    this.round += 1;
    return this.round;
  }

  #take(events) {
    for (const event of events) this.cursor = Math.max(this.cursor, event.seq ?? 0);
    if (events.length) this.handlers.onEvents(events);
  }

  #stream(round) {
    const source = new EventSource(`${this.base}/stream?after=${this.cursor}&lang=${lang}`);
    this.source = source;
    const proven = () => {
      if (round !== this.round) return;
      this.streamFailures = 0;
    };
    source.addEventListener("open", () => {
      this.handlers.onState("live");
      setTimeout(() => source.readyState === EventSource.OPEN && proven(), 5000);
    });
    source.addEventListener("message", (message) => {
      proven();
      this.#take([JSON.parse(message.data)]);
    });
    source.addEventListener("typing", (message) => {
      this.handlers.onTyping(JSON.parse(message.data).author);
    });
    source.addEventListener("queue", (message) => this.handlers.onQueue(JSON.parse(message.data)));
    source.addEventListener("error", () => {
      if (round !== this.round) return;
      this.streamFailures += 1;
      this.handlers.onState(navigator.onLine ? "connecting" : "offline");
      // Between failures the browser reconnects by itself, with Last-Event-ID.
      if (source.readyState === EventSource.CLOSED || this.streamFailures >= SSE_TRIES) {
        source.close();
        this.#poll(round);
      }
    });
  }

  async #poll(round) {
    const since = Date.now();
    let failures = 0;
    while (round === this.round) {
      this.cut = new AbortController();
      try {
        const wait = failures ? 0 : 25;
        const path = `${this.base}/events?after=${this.cursor}&wait=${wait}`;
        const { events = [] } = await request("GET", path, undefined, {
          timeout: 40_000,
          signal: this.cut.signal,
        });
        if (round !== this.round) return;
        failures = 0;
        this.handlers.onState("polling");
        this.#take(events);
        if (Date.now() - since > BACK_TO_SSE) {
          this.streamFailures = 0;
          this.#stream(round);
          return;
        }
      } catch (error) {
        if (round !== this.round || this.#lost(error)) return;
        failures += 1;
        this.handlers.onState(navigator.onLine ? "connecting" : "offline");
        await pause(PAUSES[Math.min(failures, PAUSES.length) - 1]);
      }
    }
  }

  #lost(error) {
    if (error.status !== 401) return false;
    this.#drop();
    this.handlers.onSessionLost();
    return true;
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
