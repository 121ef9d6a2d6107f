// The page of notifications that were not delivered: send one or all again, keep the lists fresh.

import { post } from './api.js';
import { showTimes } from './clock.js';
import { refresh } from './morph.js';
import { $, $$, t } from './text.js';
import { confirm, say, warn } from './toast.js';

const EVERY_MS = 10000;
const SOON_MS = 1500; // by then a receiver that works has taken it
const asked = new Set();
let place = -1; // of the button pressed last, while the keyboard is there

const buttons = () => $$('[data-again]');
const fresh = () => refresh('#deliveries', 'desk:refresh');

async function again(button) {
  const id = button.dataset.again;
  if (asked.has(id)) return; // pressed twice: a disabled button would lose the keyboard's place
  asked.add(id);
  place = buttons().indexOf(button);
  const answer = await post(`/api/agent/deliveries/${id}/again`);
  asked.delete(id);
  setTimeout(fresh, SOON_MS);
  if (answer.ok) say(t(answer.data.quiet ? 'js.again_quiet' : 'js.again'));
  else warn(answer.message);
  fresh();
}

async function allAgain(button) {
  const n = button.dataset.againAll;
  if (!(await confirm(t('js.again_all', { n }), t('js.again_all_yes')))) return;
  const answer = await post('/api/agent/deliveries/again');
  setTimeout(fresh, SOON_MS);
  const { again: sent, superseded: old, left } = answer.data ?? {};
  if (answer.ok) say(t(left ? 'js.again_left' : 'js.again_done', { n: sent, old, left }));
  else warn(answer.message);
  fresh();
}

document.addEventListener('click', (event) => {
  const one = event.target.closest?.('[data-again]');
  const all = event.target.closest?.('[data-again-all]');
  if (one) again(one);
  else if (all) allAgain(all);
});
document.addEventListener('htmx:afterSwap', (event) => {
  showTimes(event.target);
  if (place < 0 || document.activeElement !== document.body) return;
  // the row is gone, and with it the place: the next one takes it
  (buttons()[Math.min(place, buttons().length - 1)] ?? $('#work')).focus();
});
document.addEventListener('htmx:responseError', (event) => {
  if (event.detail.xhr.status === 401) document.dispatchEvent(new CustomEvent('desk:expired'));
});
document.addEventListener('desk:expired', () => {
  $('#expired').hidden = false;
});
showTimes();
setInterval(() => {
  if (!document.hidden) fresh();
}, EVERY_MS);
