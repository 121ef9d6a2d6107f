// The chat on a merchant's page, in one script tag:
//   <script src=".../widget.js" data-token="JWT" data-order="ORDER" data-lang="zh" defer></script>
// It adds a button and, once opened, an iframe with /chat. Pages may also call
// Kefu.open({order: "..."}), Kefu.close(). More attributes: data-label and data-title (accessible
// names), data-launcher="hidden" (no button; the page opens the chat itself).
(function () {
  "use strict";
  var script = document.currentScript;
  var origin = new URL(script.src).origin;
  var data = script.dataset;
  var english = data.lang === "en";
  // The only sentences outside i18n: this file runs on other people's pages, whose encoding may be
  // any, hence the escapes: "Contact customer service", "Online customer service".
  var label = data.label || (english ? "Customer service" : "\u8054\u7cfb\u5ba2\u670d");
  var title = data.title || (english ? "Customer service chat" : "\u5728\u7ebf\u5ba2\u670d");
  var order = data.order || "";
  var frame = null;
  var returnTo = null;
  var unread = 0;

  function style(element, rules) {
    Object.assign(element.style, rules);
    return element;
  }

  var panel = style(document.createElement("div"), {
    position: "fixed", zIndex: 2147483000, right: "20px", bottom: "20px", width: "400px",
    maxWidth: "100vw", height: "min(680px, calc(100dvh - 40px))", borderRadius: "16px",
    overflow: "hidden", boxShadow: "0 12px 48px rgba(0,0,0,.28)", display: "none", background: "#fff",
  });
  panel.id = "kefu-panel";

  var button = style(document.createElement("button"), {
    position: "fixed", zIndex: 2147482999, right: "20px", bottom: "20px", minHeight: "52px",
    padding: "0 22px", border: "0", borderRadius: "26px", background: "#0f6e62", color: "#fff",
    font: "600 17px/1 system-ui, sans-serif", cursor: "pointer", boxShadow: "0 4px 16px rgba(0,0,0,.22)",
  });
  button.type = "button";
  button.setAttribute("aria-controls", panel.id);
  button.addEventListener("click", function () { open(); });

  function draw(isOpen) {
    var small = window.matchMedia("(max-width: 600px)").matches;
    panel.style.display = isOpen ? "block" : "none";
    style(panel, small
      ? { inset: "0", width: "100%", height: "100dvh", borderRadius: "0" }
      : { inset: "auto 20px 20px auto", width: "400px", height: "min(680px, calc(100dvh - 40px))", borderRadius: "16px" });
    button.style.display = isOpen || data.launcher === "hidden" ? "none" : "block";
    button.setAttribute("aria-expanded", String(isOpen));
    button.textContent = unread ? label + " (" + unread + ")" : label;
  }

  function load() {
    if (frame) frame.remove();
    var url = new URL("/chat", origin);
    url.searchParams.set("embed", "1");
    url.searchParams.set("parent", location.origin);
    if (order) url.searchParams.set("order", order);
    if (data.lang) url.searchParams.set("lang", data.lang);
    // Behind the #: the token reaches the page, but no server log.
    if (data.token) url.hash = "token=" + encodeURIComponent(data.token);
    frame = style(document.createElement("iframe"), { width: "100%", height: "100%", border: "0", display: "block" });
    frame.title = title;
    frame.src = url.href;
    panel.append(frame);
  }

  function tell(message) {
    if (frame && frame.contentWindow) frame.contentWindow.postMessage({ kefu: message }, origin);
  }

  function open(options) {
    var wanted = options && options.order ? options.order : order;
    if (panel.style.display === "none") returnTo = document.activeElement;
    if (!frame || wanted !== order) {
      order = wanted;
      load();
    }
    unread = 0;
    draw(true);
    frame.focus();
    tell("opened");
  }

  function close() {
    draw(false);
    tell("closed");
    // Back to where the customer was; the launcher if that is gone.
    (returnTo && returnTo.isConnected && returnTo !== document.body ? returnTo : button).focus();
  }

  window.addEventListener("message", function (event) {
    if (!frame || event.origin !== origin || event.source !== frame.contentWindow) return;
    var said = event.data && event.data.kefu;
    if (said === "close") close();
    if (said === "ready" && panel.style.display === "block") tell("opened");
    if (said === "unread") { unread += 1; draw(panel.style.display === "block"); }
  });
  window.addEventListener("keydown", function (event) {
    if (event.key === "Escape" && panel.style.display === "block") close();
  });
  window.addEventListener("resize", function () { draw(panel.style.display === "block"); });

  function attach() {
    document.body.append(button, panel);
    draw(false);
  }
  if (document.body) attach();
  else document.addEventListener("DOMContentLoaded", attach);
  window.Kefu = { open: open, close: close };
})();
