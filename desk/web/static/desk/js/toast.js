// Short messages at the edge of the page: `say` for what went well, `warn` for what did not.

import { $ } from './text.js';

function show(box, text, seconds) {
  const node = document.createElement('p');
  node.className = 'toast';
  node.textContent = text;
  $(box).append(node);
  setTimeout(() => node.remove(), seconds * 1000);
}

export const say = (text) => show('#toasts', text, 4);
export const warn = (text) => show('#alarms', text, 9);

/** Ask yes or no in a dialog. Resolves to true for yes. */
export function confirm(question, yes) {
  const dialog = $('#confirm');
  $('#confirm-words').textContent = question;
  $('button[value=yes]', dialog).textContent = yes;
  dialog.returnValue = 'no';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true });
  });
}

