import { html } from "lit";
import { t } from "../shared/i18n.js";

/** A line about the connection, only after `grace` ms of trouble: short gaps need no words. */
export class NetworkLine {
  constructor(redraw, grace = 2500) {
    this.redraw = redraw;
    this.grace = grace;
    this.trouble = null;
  }

  /** Draws the line for the session's present state. An empty live region stays in the page. */
  draw(session) {
    return html`<p class="network" role="status">${this.#words(session)}</p>`;
  }

  #words(session) {
    if (!session) return "";
    if (!navigator.onLine || session.state === "offline") return t("network.offline");
    const well = ["live", "polling", "idle"].includes(session.state) && !session.sender.struggling;
    if (well) {
      this.trouble = null;
      return session.refusal;
    }
    if (this.trouble === null) {
      this.trouble = Date.now();
      setTimeout(this.redraw, this.grace + 50);
    }
    return Date.now() - this.trouble >= this.grace ? t("network.reconnecting") : session.refusal;
  }
}
