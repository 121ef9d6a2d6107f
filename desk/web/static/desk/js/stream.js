// The live stream: one EventSource, reopened whatever happens. A wake-up only says that something
// changed; the page then reads the state itself, so a lost one costs at most one poll.

const LOOK_MS = 5000; // how often the page looks for itself while there is no stream
const LIVE_LOOKS = 4; // with a stream, only every fourth time
const BACKOFF_MS = [1000, 2000, 4000, 8000, 15000];

/**
 * Keep a stream open for as long as the page lives.
 * @param {object} on `queue()`, `conversation({id, seq})`, `typing({conversation})`,
 *   `resync()` after every (re)connection and poll and when the desk says so, and
 *   `state("live" | "retry")`.
 */
export function connect(on) {
  let source = null;
  let failures = 0;
  let timer = 0;
  let looks = 0;

  function open() {
    clearTimeout(timer);
    source?.close();
    source = new EventSource('/api/agent/stream');
    source.addEventListener('open', () => {
      failures = 0;
      on.state('live');
      on.resync();
    });
    source.addEventListener('error', () => {
      on.state('retry');
      if (source.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      timer = setTimeout(open, BACKOFF_MS[Math.min(failures++, BACKOFF_MS.length - 1)]);
      on.resync(); // finds out whether the session has ended
    });
    const json = (handler) => (event) => {
      let data = {};
      try {
        data = JSON.parse(event.data);
      } catch { /* an event without a body is only a wake-up */ }
      handler(data);
    };
    source.addEventListener('queue', json(on.queue));
    source.addEventListener('conversation', json(on.conversation));
    source.addEventListener('typing', json(on.typing));
    source.addEventListener('resync', () => on.resync()); // the desk itself missed wake-ups
  }

  open();
  setInterval(() => {
    looks = (looks + 1) % LIVE_LOOKS;
    if (looks === 0 || source.readyState !== EventSource.OPEN) on.resync();
  }, LOOK_MS);
  addEventListener('online', open);
  addEventListener('offline', () => on.state('retry'));
  addEventListener('pageshow', (event) => event.persisted && open());
  addEventListener('pagehide', () => source?.close());
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) return;
    if (source.readyState === EventSource.CLOSED) open();
    else on.resync();
  });
}
