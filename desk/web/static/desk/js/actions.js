// What the buttons do: claim, release, resolve, and the forms of the side panel.

import { post } from './api.js';
import { hasDraft } from './composer.js';
import { changed } from './morph.js';
import { $, t } from './text.js';
import { openId } from './thread.js';
import { confirm, say, warn } from './toast.js';

/**
 * Take over a conversation; if somebody else was quicker, say who.
 * @param {string} id
 * @param {{open: (id: string) => Promise<void>, lists: () => void}} page
 */
export async function claim(id, page) {
  const answer = await post(`/api/agent/conversations/${id}/claim`);
  page.lists();
  if (answer.ok) {
    say(t('js.claimed'));
    await page.open(id);
    $('#composer-text')?.focus();
  } else {
    warn(answer.message);
    if (openId() === id) await page.open(id);
  }
}

/** Claim whoever is next: the first row. */
export async function claimNext(page) {
  const next = $('#queue-rows > li')?.dataset.conversation;
  if (next) await claim(next, page);
  else say(t('js.nobody_waiting'));
}

/** Give the open conversation back: `resolve`, or `release` to the bot or the queue. */
export async function giveBack(button, page) {
  const id = openId();
  if (hasDraft() && !(await confirm(t('js.draft_left'), t('js.draft_left_yes')))) return;
  const { give, to } = button.dataset;
  button.disabled = true;
  const path = `/api/agent/conversations/${id}/${give}`;
  const answer = await post(path, give === 'release' ? { to } : {});
  button.disabled = false;
  page.lists();
  page.refresh();
  if (answer.ok) say(t(give === 'resolve' ? 'js.resolved' : `js.released_${to}`));
  else warn(answer.message);
}

/** Send a form of the side panel; its own error line says what went wrong. */
export async function sendForm(form, page) {
  const button = $('button[type=submit]', form);
  const error = $('.error', form);
  const body = Object.fromEntries(new FormData(form));
  if ('once' in form.dataset) body.client_id = form.dataset.clientId ??= crypto.randomUUID();
  button.disabled = true;
  error.textContent = '';
  const answer = await post(form.dataset.action, body);
  button.disabled = false;
  if (!answer.ok) {
    error.textContent = answer.message;
    return;
  }
  delete form.dataset.clientId;
  form.reset();
  const select = $('select[data-now]', form);
  if (select) {
    select.dataset.now = select.value = body.category; // no longer "changed": may be refreshed
    button.disabled = true;
  }
  form.closest('details').open = false;
  say(t(form.dataset.done));
  page.refresh();
}

/** A category can be confirmed once it differs from the present one. */
export function watchSelect(select) {
  if (select.dataset.now) $('button[type=submit]', select.form).disabled = !changed(select);
}
