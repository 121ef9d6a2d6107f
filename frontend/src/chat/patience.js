/** After this long without an answer (ms) the customer is told, and offered a person. */
const SLOW = 8000;

/** Measures how long the bot has owed an answer; `redraw` is called when that has become long. */
export class Patience {
  constructor(redraw) {
    this.redraw = redraw;
    this.since = 0;
  }

  /** What the waiting line shows for the session's present view. */
  look(view) {
    if (!view.botOwes) this.since = 0;
    else if (!this.since) {
      this.since = Date.now();
      setTimeout(this.redraw, SLOW + 50);
    }
    const slow = view.botOwes && Date.now() - this.since >= SLOW;
    return { owed: view.botOwes, slow, typing: view.typing };
  }
}
