// The page's entry: language, the merchant's token, then the element.
import { openSession } from "../shared/api.js";
import { settleLanguage } from "../shared/language.js";
import { KefuChat } from "./kefu-chat.js";

/** Takes the token out of the address, so that it lands in no history, bookmark or referrer. */
function takeToken() {
  const url = new URL(location.href);
  const token = url.searchParams.get("token") ?? new URLSearchParams(url.hash.slice(1)).get("token");
  if (!token) return null;
  url.searchParams.delete("token");
  url.hash = "";
  history.replaceState(history.state, "", url);
  return token;
}

if (!settleLanguage()) {
  const token = takeToken();
  // A token that is refused is not the end: a cookie from before may still do.
  KefuChat.signedIn = token ? openSession(token).catch(() => {}) : Promise.resolve();
  customElements.define("kefu-chat", KefuChat);
}
