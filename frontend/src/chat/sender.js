// Empties the outbox, one item after the other, until the desk has confirmed or refused each.
import { ApiError } from "../shared/api.js";

const PAUSES = [1000, 2000, 4000, 8000, 15_000];

/** Sends with `deliver(item)`; see `flush`. Callbacks: onSent(item, answer), onChange(), onSessionLost(). */
export class Sender {
  constructor({ outbox, deliver, onSent, onChange, onSessionLost }) {
    Object.assign(this, { outbox, deliver, onSent, onChange, onSessionLost });
    this.failures = 0;
    this.running = false;
    this.again = false;
  }

  /** The desk could not be reached with the last item; it is tried again by itself. */
  get struggling() {
    return this.failures > 0;
  }

  /** Sends everything there is. Safe to call at any time and any number of times. */
  async flush() {
    clearTimeout(this.timer);
    if (this.running) {
      this.again = true; // the network came back while a request was still dying
      return;
    }
    this.running = true;
    try {
      let item = this.outbox.next();
      while (item && (await this.#send(item))) item = this.outbox.next();
      if (!item && this.failures) {
        this.failures = 0;
        this.onChange();
      }
    } finally {
      this.running = false;
    }
    if (this.again) {
      this.again = false;
      await this.flush();
    }
  }

  /** True when the next item may follow. */
  async #send(item) {
    try {
      const answer = await this.deliver(item);
      this.failures = 0;
      this.onSent(item, answer);
      this.outbox.remove(item.client_id);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 401) {
        this.onSessionLost();
        return false;
      }
      if (error.retryable) {
        this.timer = setTimeout(() => this.flush(), PAUSES[Math.min(this.failures, PAUSES.length - 1)]);
        this.failures += 1;
        this.onChange();
        return false;
      }
      this.failures = 0;
      // A button that is no longer offered, or an owner who is a person already: nothing to retry.
      if (item.kind === "text") this.outbox.fail(item.client_id, error.message);
      else this.outbox.remove(item.client_id);
      this.onRefused?.(item, error);
    }
    this.onChange();
    return true;
  }
}
