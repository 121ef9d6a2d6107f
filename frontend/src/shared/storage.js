// localStorage that never throws: private windows and full disks must not stop the chat.

/** The stored JSON value of `key`, or `fallback`. */
export function load(key, fallback) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? fallback;
  } catch {
    return fallback;
  }
}

/** Stores `value` as JSON; `undefined` removes the key. False when the browser refused. */
export function save(key, value) {
  try {
    if (value === undefined) localStorage.removeItem(key);
    else localStorage.setItem(key, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}
