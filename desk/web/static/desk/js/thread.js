// The open conversation's log: only ever appended to, so that the reader's place holds.

import { partial } from './api.js';
import { day, showTimes } from './clock.js';
import { $, $$ } from './text.js';

const NEAR_PX = 80;
let reading = null;
let again = false;

/** The id of the open conversation, or null. */
export const openId = () => $('#conversation')?.dataset.conversation ?? null;

/** Make a freshly opened conversation ready: times, days, the newest line in view. */
export function prepare() {
  dress($('#log'));
  toBottom();
  const scroll = $('#scroll');
  const jump = $('#jump');
  let atBottom = true;
  scroll.addEventListener('scroll', () => {
    atBottom = nearBottom();
    if (atBottom) jump.hidden = true;
  });
  new ResizeObserver(() => atBottom && toBottom()).observe(scroll);
  jump.addEventListener('click', () => {
    toBottom();
    jump.hidden = true;
  });
}

/**
 * Read what is new in the open conversation and append it.
 * @returns {Promise<{changes: boolean, fromCustomer: boolean}>} whether an owner or ticket changed,
 *   and whether the customer wrote.
 */
export async function readNew() {
  if (reading) {
    again = true; // one more look when this one is through
    return reading;
  }
  reading = read();
  try {
    return await reading;
  } finally {
    reading = null;
  }
}

async function read() {
  const seen = { changes: false, fromCustomer: false };
  do {
    again = false;
    const conversation = $('#conversation');
    if (!conversation) break;
    const id = conversation.dataset.conversation;
    const found = await partial(`/desk/partials/conversations/${id}/events?after=${conversation.dataset.lastSeq}`);
    if (!found || openId() !== id) continue; // another conversation was opened meanwhile
    const lines = $$('li.event', found).filter((line) => !document.getElementById(line.id));
    if (lines.length) append(conversation, lines, seen);
  } while (again);
  return seen;
}

function append(conversation, lines, seen) {
  const stay = !nearBottom();
  for (const line of lines) {
    const sent = line.dataset.clientId;
    if (sent) $(`#pending [data-client-id="${CSS.escape(sent)}"]`)?.remove();
    if (line.classList.contains('changes')) seen.changes = true;
    if (line.dataset.author === 'customer') seen.fromCustomer = true;
    conversation.dataset.lastSeq = line.dataset.seq;
    $('#log').append(line);
  }
  dress($('#log'));
  if (seen.fromCustomer) $('#typing').hidden = true;
  if (stay) $('#jump').hidden = false;
  else toBottom();
}

/** Fill in times, put a line before each new day, and mark the choices the customer tapped. */
function dress(log) {
  showTimes(log);
  let last = '';
  for (const line of $$('li.event', log)) {
    const words = day(line.dataset.at);
    const before = line.previousElementSibling;
    const marked = before?.classList.contains('day');
    if (words !== last && !marked) {
      const separator = document.createElement('li');
      separator.className = 'day';
      separator.textContent = words;
      line.before(separator);
    } else if (marked && before.textContent !== words) {
      before.textContent = words; // midnight has passed
    }
    last = words;
    if (line.dataset.choice) markTapped(log, line);
  }
}

function markTapped(log, line) {
  const offers = $$(`li.by-bot .choices [data-choice="${CSS.escape(line.dataset.choice)}"]`, log);
  const before = offers.filter((offer) => Number(offer.closest('li.event').dataset.seq) < Number(line.dataset.seq));
  before.at(-1)?.classList.add('tapped');
}

const nearBottom = () => {
  const scroll = $('#scroll');
  return scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_PX;
};

/** Show the newest line. */
export function toBottom() {
  const scroll = $('#scroll');
  scroll.scrollTop = scroll.scrollHeight;
}
