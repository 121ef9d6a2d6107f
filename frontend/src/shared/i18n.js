// The page's sentences and the ways to write times, all in the page's language.

/** Reads a `<script type="application/json">` block of the page. */
export function pageData(id) {
  return JSON.parse(document.getElementById(id)?.textContent || "{}");
}

// Every time is told in the desk's time zone, as the bot's sentences and the ticket's page tell it.
const { lang = "zh", demo = false, timezone: timeZone } = pageData("kefu-page");
const sentences = pageData("kefu-i18n");
const locale = lang === "zh" ? "zh-CN" : "en-GB";

export { demo, lang };

/**
 * The sentence of `key` with its `{name}` places filled in.
 * A key that is missing shows itself, so that it is noticed; a test compares keys and uses.
 */
export function t(key, values = {}) {
  return (sentences[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Like `t`, but `fallback` where there is no such sentence (codes of carriers, new states). */
export function tOr(key, fallback) {
  return sentences[key] ?? fallback;
}

const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone });
const day = new Intl.DateTimeFormat(locale, { month: "short", day: "numeric", timeZone });
const date = new Intl.DateTimeFormat("en-CA", { year: "numeric", month: "2-digit", day: "2-digit", timeZone });

/** A moment as people say it: 今天 18:00, 明天 10:00, 12月3日 10:00. */
export function moment(iso, now = new Date()) {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return "";
  const days = Math.round((dayOf(at) - dayOf(now)) / 86_400_000);
  const words = { "-1": "time.yesterday", 0: "time.today", 1: "time.tomorrow" }[days];
  return t("time.day_and_clock", { day: words ? t(words) : day.format(at), clock: clock.format(at) });
}

/** Only the clock: 18:00. */
export function clockTime(iso) {
  return clock.format(new Date(iso));
}

/** The calendar day of a moment in the desk's time zone, as a number to count days with. */
function dayOf(at) {
  return Date.parse(date.format(at)); // en-CA writes 2026-12-03, which is read as UTC
}

/** Seconds of waiting in words, never less than a minute. */
export function waitWords(seconds) {
  const minutes = Math.max(1, Math.round(seconds / 60));
  return minutes < 60
    ? t("wait.minutes", { n: minutes })
    : t("wait.hours", { n: Math.ceil(minutes / 60) });
}
