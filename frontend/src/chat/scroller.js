// Keeps the newest message in sight, unless the customer has scrolled up to read.

/** `host` is the element; its `.scroll` child scrolls. */
export class Scroller {
  constructor(host) {
    this.host = host;
    /** Something new has come below what the customer is reading. */
    this.newBelow = false;
    this.seen = 0;
  }

  get #box() {
    return this.host.querySelector(".scroll");
  }

  get atBottom() {
    const box = this.#box;
    return !box || box.scrollHeight - box.scrollTop - box.clientHeight < 60;
  }

  /** Before drawing: remember where the customer is. */
  before() {
    this.wasAtBottom = this.atBottom;
  }

  /** After drawing a thread whose latest state is `mark`; true when something new has been drawn. */
  after(mark) {
    if (mark === this.seen) {
      // The foot grew, or a waiting line came.
      if (mark && this.wasAtBottom && !this.atBottom) this.down();
      return false;
    }
    const first = !this.seen;
    this.seen = mark;
    if (this.wasAtBottom || first) this.down();
    else this.newBelow = true;
    this.host.requestUpdate();
    return !first;
  }

  down() {
    const box = this.#box;
    this.newBelow = false;
    box?.scrollTo({ top: box.scrollHeight });
  }
}

/** Safari leaves its layout under the on-screen keyboard: give `element` the height that is seen. */
export function followViewport(element) {
  const viewport = window.visualViewport;
  if (!viewport) return;
  const fit = () => {
    const zoomed = Math.abs(viewport.scale - 1) > 0.01;
    element.style.setProperty("--visible-height", zoomed ? "100dvh" : `${viewport.height}px`);
    element.style.setProperty("--visible-top", zoomed ? "0px" : `${viewport.offsetTop}px`);
  };
  viewport.addEventListener("resize", fit);
  viewport.addEventListener("scroll", fit);
}
