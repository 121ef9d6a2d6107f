// JSON over fetch, with the language and (where cookies are blocked) the bearer of the session.
import { lang } from "./i18n.js";

/** A refusal or failure of the desk; `retryable` when the same request may work later. */
export class ApiError extends Error {
  constructor(status, code, message) {
    super(message || code);
    this.status = status;
    this.code = code;
    this.retryable = status === 0 || status === 408 || status === 425 || status === 429 || status >= 500;
  }
}

let bearer = null;

/** Trades the merchant's token for a session: a cookie, and a bearer kept in memory only. */
export async function openSession(token) {
  bearer = (await request("POST", "/api/session", { token })).token ?? null;
}

/**
 * One request to the desk.
 * Throws ApiError; status 0 means that no answer came (offline, cut off, or later than `timeout` ms).
 */
export async function request(method, path, body, { timeout = 15_000, signal } = {}) {
  const headers = { "Accept": "application/json", "Accept-Language": lang };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (bearer) headers.Authorization = `Bearer ${bearer}`;
  const cut = new AbortController();
  const timer = setTimeout(() => cut.abort(), timeout);
  signal?.addEventListener("abort", () => cut.abort(), { once: true });
  try {
    const response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
      signal: cut.signal,
    });
    return await read(response);
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError(0, "no_answer", "");
  } finally {
    clearTimeout(timer);
  }
}

async function read(response) {
  const text = await response.text();
  let body = {};
  try {
    body = text ? JSON.parse(text) : {};
  } catch {
    // A proxy's HTML page: the status says enough.
  }
  if (response.ok) return body;
  throw new ApiError(response.status, body.error?.code ?? `http_${response.status}`, body.error?.message);
}
