// Talking to the desk: JSON out, JSON in, never an exception.

import { lang, t } from './text.js';

/**
 * POST to the agent API.
 * @returns {Promise<{ok: boolean, status: number, data: object, code?: string, message?: string}>}
 *   `status` 0 when the desk could not be reached; `message` is a sentence for people.
 */
export async function post(path, body = {}) {
  let response;
  try {
    response = await fetch(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Accept-Language': lang },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(15000),
    });
  } catch {
    return { ok: false, status: 0, data: {}, message: t('js.offline') };
  }
  const data = await response.json().catch(() => ({}));
  if (response.status === 401) document.dispatchEvent(new CustomEvent('desk:expired'));
  return {
    ok: response.ok,
    status: response.status,
    data,
    code: data.error?.code,
    message: data.error?.message || t('js.failed'),
  };
}

/** GET a partial as a document fragment, or null when there is none (the reason is reported). */
export async function partial(path) {
  let response;
  try {
    response = await fetch(path, { headers: { 'Accept-Language': lang }, cache: 'no-store' });
  } catch {
    return null;
  }
  if (response.status === 401) document.dispatchEvent(new CustomEvent('desk:expired'));
  if (!response.ok) return null;
  const template = document.createElement('template');
  template.innerHTML = await response.text(); // escaped by the server, and the CSP runs no inline script
  return template.content;
}
