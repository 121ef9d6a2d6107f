// The console's wiring: events in, regions refreshed, clicks to actions.

import { claim, claimNext, giveBack, sendForm, watchSelect } from './actions.js';
import * as alerts from './alerts.js';
import { partial, post } from './api.js';
import { setClock, showTimes, tick } from './clock.js';
import * as composer from './composer.js';
import * as keys from './keys.js';
import { refresh } from './morph.js';
import { connect } from './stream.js';
import { $, $$, t } from './text.js';
import * as thread from './thread.js';
import { warn } from './toast.js';

const LISTS_EVERY_MS = 250;
const TYPING_SHOWN_MS = 6000;
let listsTimer = 0;
let typingTimer = 0;
let opening = 0;

const page = {
  /** Load the lists again, at most a few times a second. */
  lists() {
    listsTimer ||= setTimeout(() => {
      listsTimer = 0;
      refresh('#lists', 'desk:lists');
    }, LISTS_EVERY_MS);
  },
  /** Read the open conversation's news; head and side too. */
  async refresh() {
    refresh('#head', 'desk:refresh');
    refresh('#side', 'desk:refresh');
    await thread.readNew();
  },
  /** Open a conversation in the middle of the page. */
  async open(id, { push = true } = {}) {
    const turn = ++opening;
    const found = await partial(`/desk/partials/conversations/${encodeURIComponent(id)}`);
    if (turn !== opening) return; // another one was asked for meanwhile
    if (!found) {
      warn(t('js.gone'));
      return;
    }
    $('#work').replaceChildren(found);
    htmx.process($('#work'));
    if (push && new URLSearchParams(location.search).get('c') !== id) {
      history.pushState({ c: id }, '', `/desk?c=${encodeURIComponent(id)}`);
    }
    opened();
  },
};

function opened() {
  thread.prepare();
  composer.prepare();
  showTimes($('#work'));
  tick();
  markUnread();
}

/** Unread marks: what the agent has had open on a visible page counts as read. */
function markUnread() {
  const open = thread.openId();
  const seenKey = (id) => `desk.seen.${id}`;
  if (open && !document.hidden) {
    sessionStorage.setItem(seenKey(open), $('#conversation').dataset.lastSeq);
  }
  for (const row of $$('.row')) row.classList.toggle('current', row.dataset.conversation === open);
  for (const row of $$('#mine-rows > li')) {
    const from = Number(row.dataset.unreadFrom);
    const unread = from > Number(sessionStorage.getItem(seenKey(row.dataset.conversation)) ?? 0);
    row.classList.toggle('is-unread', unread);
    const mark = $('[data-unread]', row);
    mark.hidden = !unread;
    mark.textContent = unread ? t('mine.unread') : '';
  }
}

document.addEventListener('click', (event) => {
  const at = (selector) => event.target.closest?.(selector);
  const button = at('[data-claim]');
  if (button) claim(button.dataset.claim, page);
  else if (at('[data-claim-next]')) claimNext(page);
  else if (at('[data-give]')) giveBack(at('[data-give]'), page);
  else if (at('a[data-open]') && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    page.open(at('a[data-open]').dataset.open);
  } else if (at('.row.waiting')) page.open(at('.row.waiting').dataset.conversation);
});
document.addEventListener('submit', (event) => {
  if (!event.target.matches('form[data-action]')) return;
  event.preventDefault();
  sendForm(event.target, page);
});
document.addEventListener('change', (event) => {
  if (event.target.matches('select')) watchSelect(event.target);
});
document.addEventListener('htmx:afterSwap', (event) => {
  if (event.target.id === 'lists') {
    setClock();
    alerts.lookAtQueue();
    markUnread();
  }
  if (event.target.id === 'head') composer.lock();
  showTimes(event.target);
  tick();
});
document.addEventListener('htmx:responseError', (event) => {
  if (event.detail.xhr.status === 401) document.dispatchEvent(new CustomEvent('desk:expired'));
});
document.addEventListener('desk:expired', () => {
  $('#expired').hidden = false;
});
document.addEventListener('visibilitychange', markUnread);
addEventListener('popstate', () => {
  const id = new URLSearchParams(location.search).get('c');
  if (id) page.open(id, { push: false });
});
$('#logout').addEventListener('click', async () => {
  const answer = await post('/api/agent/logout');
  if (answer.ok || answer.status === 401) location.assign('/desk');
  else warn(answer.message);
});
$('#logout').disabled = false; // until here a click would have been lost
$('#language').addEventListener('click', (event) => {
  const id = thread.openId(); // come back to the same conversation
  if (id) event.currentTarget.href += `&c=${encodeURIComponent(id)}`;
});

async function somethingNew(id) {
  page.lists();
  const own = document.getElementById(`row-${id}`)?.classList.contains('own');
  if (id !== thread.openId()) return;
  const seen = await thread.readNew();
  if (seen.changes) page.refresh();
  if (seen.fromCustomer && own && (document.hidden || !document.hasFocus())) alerts.newMessage();
  markUnread();
}

setClock();
alerts.setUp();
keys.setUp(page);
alerts.lookAtQueue();
if (thread.openId()) opened();
markUnread();
tick();
setInterval(() => {
  tick();
  alerts.remind();
}, 1000);
connect({
  queue: () => {
    page.lists();
    refresh('#head', 'desk:refresh');
  },
  conversation: ({ id }) => somethingNew(id),
  typing: ({ id, author }) => {
    const line = $('#typing');
    if (!line || author !== 'customer' || id !== thread.openId()) return;
    line.hidden = false;
    clearTimeout(typingTimer);
    typingTimer = setTimeout(() => { line.hidden = true; }, TYPING_SHOWN_MS);
  },
  resync: () => {
    page.lists();
    if (thread.openId()) page.refresh();
  },
  state: (state) => {
    const line = $('#connection');
    line.dataset.state = state;
    $('.words', line).textContent = t(state === 'live' ? 'conn.live' : 'conn.retry');
  },
});
