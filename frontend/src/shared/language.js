// The language of the page: ?lang= wins and is remembered; without it, what was chosen last.
import { lang } from "./i18n.js";
import { load, save } from "./storage.js";

const KEY = "kefu.lang";

/** The address of this page in the other language. */
export function otherLanguageUrl() {
  const url = new URL(location.href);
  url.searchParams.set("lang", lang === "zh" ? "en" : "zh");
  return url.pathname + url.search;
}

/** Remembers a language asked for by address; true when the page is being reloaded in another. */
export function settleLanguage() {
  const url = new URL(location.href);
  const asked = url.searchParams.get("lang");
  if (asked) {
    save(KEY, lang);
    return false;
  }
  const remembered = load(KEY, lang);
  if (remembered === lang || !["zh", "en"].includes(remembered)) return false;
  url.searchParams.set("lang", remembered);
  location.replace(url);
  return true;
}
