// Where the agent writes: reply or private note. Set up once per opened conversation and never
// re-rendered; refreshes only tell it who has the conversation now.

import { post } from './api.js';
import { draft, dropUnsent, keepDraft, keepUnsent, unsent } from './outbox.js';
import { $, $$, t } from './text.js';
import { openId, readNew, toBottom } from './thread.js';

const LIMIT = 2000;
const TYPING_EVERY_MS = 3000;
const FAILS_BEFORE_SAYING = 1;

/** Set up the composer of the conversation that has just been opened. */
export function prepare() {
  const id = openId();
  const form = $('#composer');
  const box = $('#composer-text');
  const words = draft(id);
  let typed = 0;

  const choose = (mode, focus) => {
    words.mode = mode;
    keepDraft(id, words);
    form.dataset.mode = mode;
    for (const tab of $$('[role=tab]', form)) {
      const chosen = tab.dataset.mode === mode;
      tab.setAttribute('aria-selected', String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      if (!chosen) continue;
      box.placeholder = tab.dataset.hint;
      box.setAttribute('aria-label', tab.dataset.hint);
      $('#composer-send').textContent = tab.dataset.send;
      if (focus === 'tab') tab.focus();
    }
    box.value = words[mode];
    count();
    lock();
    if (focus === 'box') box.focus();
  };
  const count = () => {
    const over = [...box.value].length - LIMIT;
    $('#composer-count').textContent = over > 0 ? t('js.too_long', { limit: LIMIT, n: over }) : '';
    return over > 0;
  };

  for (const tab of $$('[role=tab]', form)) {
    tab.addEventListener('click', () => choose(tab.dataset.mode, 'box'));
    tab.addEventListener('keydown', (event) => {
      if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
      choose(words.mode === 'reply' ? 'note' : 'reply', 'tab');
    });
  }
  box.addEventListener('input', () => {
    words[words.mode] = box.value;
    keepDraft(id, words);
    count();
    if (words.mode === 'reply' && box.value && Date.now() - typed > TYPING_EVERY_MS) {
      typed = Date.now();
      post(`/api/agent/conversations/${id}/typing`);
    }
  });
  box.addEventListener('keydown', (event) => {
    // Safari ends a composition before the keydown, so isComposing alone would send half a word.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const text = box.value.trim();
    if (!text || count() || $('#composer-send').disabled) return;
    words[words.mode] = box.value = '';
    keepDraft(id, words);
    send(id, { client_id: crypto.randomUUID(), mode: words.mode, text });
    box.focus();
  });
  form.addEventListener('desk:edit', (event) => {
    const { mode, text } = event.detail;
    words[mode] = words[mode] ? `${text}\n${words[mode]}` : text;
    keepDraft(id, words);
    choose(mode, 'box');
  });

  for (const message of unsent(id)) failed(id, bubble(message), message, t('js.not_sent'));
  choose(words.mode);
}

/** Allow or bar replies, by who has the conversation now. */
export function lock() {
  const state = $('#head-state')?.dataset;
  const form = $('#composer');
  if (!state || !form) return;
  const barred = state.mine !== 'yes';
  const hint = $('#composer-locked');
  const which = state.owner === 'agent' ? 'other' : state.owner;
  hint.textContent = barred ? (hint.dataset[which] ?? '').replace('{agent}', state.agent) : '';
  $('#composer-send').disabled = barred && form.dataset.mode === 'reply';
  $('#composer-text').readOnly = barred && form.dataset.mode === 'reply';
  form.classList.toggle('barred', barred && form.dataset.mode === 'reply');
}

/** Whether the open conversation's reply box holds unsent words. */
export const hasDraft = () => Boolean(openId() && draft(openId()).reply.trim());

async function send(id, message, node = bubble(message)) {
  keepUnsent(id, message);
  node.dataset.state = 'sending';
  $('.by', node).textContent = t('js.sending');
  $('.undo', node)?.remove();
  if (openId() === id) toBottom();
  const where = message.mode === 'note' ? 'notes' : 'messages';
  const body = { client_id: message.client_id, text: message.text };
  let answer;
  for (let fails = 0; fails <= FAILS_BEFORE_SAYING; fails += 1) {
    answer = await post(`/api/agent/conversations/${id}/${where}`, body);
    if (answer.status !== 0 && answer.status < 500) break; // the desk has answered: no second try
  }
  if (answer.ok) {
    dropUnsent(id, message.client_id);
    if (openId() === id) await readNew();
    node.remove();
  } else {
    failed(id, node, message, answer.message);
  }
}

/** The message as it will look, below the log, until the desk has it. */
function bubble(message) {
  const node = document.createElement('li');
  node.className = message.mode === 'note' ? 'event note' : 'event message by-agent';
  node.dataset.clientId = message.client_id;
  const by = document.createElement('p');
  by.className = 'by';
  const text = document.createElement('div');
  text.className = 'bubble';
  text.textContent = message.text;
  node.append(by, text);
  $('#pending').append(node);
  return node;
}

function failed(id, node, message, why) {
  node.dataset.state = 'failed';
  $('.by', node).textContent = `${t('js.not_sent')}${why === t('js.not_sent') ? '' : ` · ${why}`}`;
  $('.by', node).setAttribute('role', 'alert');
  const undo = document.createElement('p');
  undo.className = 'undo';
  const button = (key, act) => {
    const made = document.createElement('button');
    made.type = 'button';
    made.className = 'button small';
    made.textContent = t(key);
    made.addEventListener('click', act);
    undo.append(made);
  };
  button('js.retry', () => send(id, message, node));
  button('js.edit', () => {
    dropUnsent(id, message.client_id);
    node.remove();
    $('#composer').dispatchEvent(new CustomEvent('desk:edit', { detail: message }));
  });
  node.append(undo);
  if (openId() === id) toBottom();
}
