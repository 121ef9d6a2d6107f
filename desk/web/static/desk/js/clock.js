// Everything on the page that shows time. The server's clock counts: `skew` corrects this machine's.

import { $, $$, lang, t } from './text.js';

export const AMBER_S = 30; // a person should have answered by now
export const RED_S = 180; // an alarm for everybody

/** The words before and after a due time, by what was due. */
const DUE_WORDS = {
  plain: ['js.due_in', 'js.overdue'],
  promise: ['js.promise_in', 'js.promise_over'],
  legal: ['js.legal_in', 'js.legal_over'],
};

let skew = 0;

/** Set this page's clock by the server's, from the freshly loaded lists. */
export function setClock() {
  const now = $('#queue')?.dataset.now;
  if (now) skew = Date.parse(now) - Date.now();
}

/** Seconds since an ISO time, by the server's clock. */
export function secondsSince(iso) {
  return Math.max(0, Math.floor((Date.now() + skew - Date.parse(iso)) / 1000));
}

/** Seconds as m:ss, or h:mm:ss from an hour on. */
export function clock(seconds) {
  const two = (n) => String(n).padStart(2, '0');
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** Seconds in words of one or two units: "3 小时 20 分钟". */
export function words(seconds) {
  const minutes = Math.round(seconds / 60);
  const [d, h, m] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24, minutes % 60];
  const parts = [];
  if (d) parts.push(t('js.days', { n: d }));
  if (h) parts.push(t('js.hours', { n: h }));
  if (!d && (m || !h)) parts.push(t('js.minutes', { n: m }));
  return parts.join(' ');
}

const hourMinute = new Intl.DateTimeFormat(lang, { hour: '2-digit', minute: '2-digit', hour12: false });
const monthDay = new Intl.DateTimeFormat(lang, { month: 'long', day: 'numeric', weekday: 'short' });
const full = new Intl.DateTimeFormat(lang, { dateStyle: 'medium', timeStyle: 'medium' });

/** The day of an ISO time in words: yesterday, today, tomorrow, or month and day. */
export function day(iso) {
  const date = new Date(iso);
  const midnight = (when) => new Date(when.getFullYear(), when.getMonth(), when.getDate());
  const days = Math.round((midnight(new Date(Date.now() + skew)) - midnight(date)) / 86400000);
  const near = { 1: 'js.yesterday', 0: 'js.today', '-1': 'js.tomorrow' }[days];
  return near ? t(near) : monthDay.format(date);
}

/** Fill in the fixed times below `root`. */
export function showTimes(root = document) {
  for (const node of $$('time[data-time]', root)) {
    const iso = node.dataset.time;
    const time = hourMinute.format(new Date(iso));
    node.dateTime = iso;
    node.title = full.format(new Date(iso));
    node.textContent = 'day' in node.dataset ? `${day(iso)} ${time}` : time;
  }
}

/** Let the waiting and due times run; called each second. */
export function tick() {
  for (const wait of $$('[data-wait]')) {
    const since = wait.closest('[data-since]')?.dataset.since;
    if (!since) continue;
    const seconds = secondsSince(since);
    const value = $('[data-wait-value]', wait);
    if (value) value.textContent = clock(seconds);
    wait.dataset.level = seconds >= RED_S ? 'red' : seconds >= AMBER_S ? 'amber' : 'calm';
  }
  for (const node of $$('[data-due]')) {
    const left = Math.round((Date.parse(node.dataset.due) - Date.now() - skew) / 1000);
    const [near, over] = DUE_WORDS[node.dataset.words] ?? DUE_WORDS.plain;
    node.textContent = t(left >= 0 ? near : over, { time: words(Math.abs(left)) });
    node.classList.toggle('late', left < 0);
  }
}
