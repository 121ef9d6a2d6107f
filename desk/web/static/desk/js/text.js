// The page's sentences, handed over by the server in the body's data-strings.

const strings = JSON.parse(document.body.dataset.strings || '{}');

/** The sentence `key` with its {placeholders} filled in. */
export function t(key, values = {}) {
  return Object.entries(values).reduce(
    (text, [name, value]) => text.replaceAll(`{${name}}`, String(value)),
    strings[key] ?? key,
  );
}

/** "zh-CN" or "en", for dates and for the language of the server's answers. */
export const lang = document.documentElement.lang;

/** document.querySelector, short. */
export const $ = (selector, root = document) => root.querySelector(selector);

/** document.querySelectorAll as an array. */
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
