// Runs before everything else: keeps a tap on 转人工 that comes before the page's script is there.
document.addEventListener("click", function (event) {
  var button = event.target.closest && event.target.closest("kefu-chat:not(:defined) [data-human]");
  if (!button) return;
  button.setAttribute("aria-busy", "true");
  document.documentElement.setAttribute("data-human-wanted", "");
});
