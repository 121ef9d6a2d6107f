// A new arrival makes itself heard and seen, and again every 30 s while the longest waits (who
// need not be the first: what has a promised time comes before).

import { AMBER_S, secondsSince, words } from './clock.js';
import { $, $$, t } from './text.js';
import { say, warn } from './toast.js';

const AGAIN_S = AMBER_S;
const FRESH_MS = 4000;
const plainTitle = document.title;
const known = new Set();
const fresh = new Map(); // conversation -> until when its row is highlighted
let audio = null;
let lastAlert = 0;
let first = true;

const soundOn = () => localStorage.getItem('desk.sound') !== 'off';

/** Set up the sound and notification buttons. Browsers allow sound only after a first gesture. */
export function setUp() {
  const button = $('#sound');
  const show = () => {
    button.setAttribute('aria-pressed', String(soundOn()));
    button.textContent = t(soundOn() ? 'top.sound_on' : 'top.sound_off');
    $('#sound-locked').hidden = !soundOn() || audio?.state === 'running';
  };
  button.addEventListener('click', () => {
    localStorage.setItem('desk.sound', soundOn() ? 'off' : 'on');
    show();
    if (soundOn()) chime([880]);
  });
  const unlock = async () => {
    audio ??= new AudioContext();
    await audio.resume();
    show();
  };
  for (const gesture of ['pointerdown', 'keydown']) addEventListener(gesture, unlock, { once: true });
  show();

  const ask = $('#notify');
  if ('Notification' in window) {
    ask.hidden = Notification.permission !== 'default';
    ask.addEventListener('click', async () => {
      const answer = await Notification.requestPermission();
      ask.hidden = answer !== 'default';
      if (answer === 'granted') say(t('js.notify_on'));
      if (answer === 'denied') warn(t('js.notify_denied'));
    });
  }
}

/** Compare the queue with the last look at it: alert what is new, repeat what still waits. */
export function lookAtQueue() {
  const rows = $$('#queue-rows > li');
  const arrived = rows.filter((row) => !known.has(row.dataset.conversation));
  known.clear();
  rows.forEach((row) => known.add(row.dataset.conversation));
  document.title = rows.length ? `(${rows.length}) ${plainTitle}` : plainTitle;
  if (!first) arrived.forEach((row) => fresh.set(row.dataset.conversation, Date.now() + FRESH_MS));
  for (const row of rows) {
    row.classList.toggle('fresh', (fresh.get(row.dataset.conversation) ?? 0) > Date.now());
  }
  if (arrived.length) {
    const text = rows.length > 1 ? t('js.new_arrival_n', { n: rows.length }) : t('js.new_arrival');
    alert('new', rows.length, text, $('.name', arrived[0])?.textContent ?? '');
  }
  first = false;
}

/** Called each second: again while the one who waits longest waits on. */
export function remind() {
  const rows = $$('#queue-rows > li');
  if (!rows.length) return;
  const oldest = rows.reduce((a, b) => (b.dataset.since < a.dataset.since ? b : a));
  const waited = secondsSince(oldest.dataset.since);
  if (waited < AGAIN_S || Date.now() - lastAlert < AGAIN_S * 1000) return;
  const text = t('js.still_waiting', { time: words(waited) });
  alert('again', known.size, text, $('.name', oldest)?.textContent ?? '');
}

/** A quiet sound for a customer's new message in one of the agent's own conversations. */
export function newMessage() {
  const heard = chime([587]);
  document.dispatchEvent(new CustomEvent('desk:chime', { detail: { why: 'message', heard } }));
}

function alert(why, waiting, text, name) {
  lastAlert = Date.now();
  const heard = chime(why === 'new' ? [659, 880, 1175] : [880, 659]);
  document.dispatchEvent(new CustomEvent('desk:chime', { detail: { why, waiting, heard } }));
  if (document.hidden && window.Notification?.permission === 'granted') {
    const shown = new Notification(text, { body: name, tag: 'desk-queue', renotify: true });
    shown.addEventListener('click', () => {
      window.focus();
      shown.close();
    });
  }
}

/** Play soft bell tones one after the other. Returns whether anything could be heard. */
function chime(tones) {
  if (!soundOn() || audio?.state !== 'running') return false;
  tones.forEach((frequency, index) => {
    const at = audio.currentTime + index * 0.16;
    const gain = audio.createGain();
    gain.gain.setValueAtTime(0.0001, at);
    gain.gain.exponentialRampToValueAtTime(0.22, at + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.0001, at + 0.7);
    const tone = audio.createOscillator();
    tone.type = 'sine';
    tone.frequency.value = frequency;
    tone.connect(gain).connect(audio.destination);
    tone.start(at);
    tone.stop(at + 0.75);
  });
  return true;
}
