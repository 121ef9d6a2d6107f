// Keeps the page of a ticket up to date: asks for its content, which the server holds back until
// there is something new, and puts it in place only if it differs. Without it the page works too.
(function () {
  var page = document.getElementById("progress");
  var network = document.getElementById("network");
  var fresh = document.getElementById("fresh");
  var part = page.dataset.part;
  var WAIT_S = 25, PAUSE_MS = 1500, LONGEST_PAUSE_MS = 30000;
  var failures = 0, timer = 0, cut = null, sending = false;

  // A link with the merchant's token behind "#": trade it for a session, as the chat does.
  var token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) {
    history.replaceState(null, "", location.pathname + location.search);
    fetch("/api/session", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token: token }),
    }).then(function (answer) { if (answer.ok) location.reload(); });
  }
  // Inside a shop's page Escape closes the panel, as it does in the chat.
  var query = new URLSearchParams(location.search), shop = query.get("parent");
  if (query.get("embed") === "1" && shop && window.parent !== window) {
    addEventListener("keydown", function (event) {
      if (event.key !== "Escape") return;
      try { window.parent.postMessage({ kefu: "close" }, shop); } catch (error) { /* no origin */ }
    });
  }
  if (!part) return;

  // One tap is one request; the page that comes back says the rest.
  page.addEventListener("submit", function (event) {
    if (sending) event.preventDefault();
    sending = true;
    event.target.setAttribute("aria-busy", "true");
  });
  addEventListener("pageshow", function (event) {
    sending = false;
    if (event.persisted) look(0);
  });

  function look(wait) {
    clearTimeout(timer);
    if (cut) cut.abort();
    if (document.visibilityState === "hidden") return;
    var mine = cut = new AbortController();
    var stop = setTimeout(function () { mine.abort(); }, (wait + 15) * 1000);
    var asked = part + (part.indexOf("?") < 0 ? "?" : "&") + "known=" + page.dataset.known +
      "&after=" + page.dataset.after + "&wait=" + wait;
    fetch(asked, { credentials: "same-origin", cache: "no-store", signal: mine.signal })
      .then(function (answer) {
        if (answer.status === 401 || answer.status === 404) return location.reload();
        if (!answer.ok) throw new Error(String(answer.status));
        page.dataset.after = answer.headers.get("X-After") || page.dataset.after;
        if (answer.status === 204) return null;
        return answer.text().then(function (text) { show(text, answer.headers.get("X-Known")); });
      })
      .then(function () {
        failures = 0;
        network.hidden = true;
        again(PAUSE_MS);
      })
      .catch(function () {
        if (mine !== cut) return; // another look has taken its place
        failures += 1;
        network.hidden = failures < 2 && navigator.onLine;
        again(Math.min(PAUSE_MS * Math.pow(2, failures), LONGEST_PAUSE_MS));
      })
      .then(function () { clearTimeout(stop); });
  }

  function again(ms) {
    clearTimeout(timer);
    timer = setTimeout(function () { look(WAIT_S); }, ms);
  }

  function show(text, known) {
    if (sending || !known || known === page.dataset.known) return;
    var id = document.activeElement && document.activeElement.id;
    var before = happened();
    page.dataset.known = known;
    page.innerHTML = text;
    if (id && document.getElementById(id)) document.getElementById(id).focus({ preventScroll: true });
    if (happened() === before) return; // only a time has moved on: nothing to announce
    fresh.textContent = "";
    setTimeout(function () { fresh.textContent = fresh.dataset.words; }, 100);
  }

  function happened() {
    var list = page.querySelector(".timeline.past");
    return list ? list.children.length : 0;
  }

  document.addEventListener("visibilitychange", function () { look(0); });
  addEventListener("online", function () { look(0); });
  addEventListener("offline", function () { network.hidden = false; });
  again(PAUSE_MS);
})();
