// The keyboard: N claims whoever is next, arrows move in the queue, Enter claims, Esc leaves a text box.

import { claim, claimNext } from './actions.js';
import { $$ } from './text.js';

const typing = (target) => target.closest('input, textarea, select, [contenteditable], dialog');

/** Set up the page's keys. */
export function setUp(page) {
  document.addEventListener('keydown', (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target instanceof Element ? event.target : document.body;
    if (typing(target)) {
      if (event.key === 'Escape' && target.id === 'composer-text') target.blur();
      return;
    }
    const row = target.closest('.row');
    if (event.key === 'n' || event.key === 'N') {
      event.preventDefault();
      if (!event.repeat) claimNext(page);
    } else if (event.key === 'Enter' && target.matches('.row.waiting')) {
      event.preventDefault();
      if (!event.repeat) claim(target.dataset.conversation, page);
    } else if (event.key === ' ' && target.matches('.row.waiting')) {
      event.preventDefault();
      page.open(target.dataset.conversation);
    } else if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && (row || target === document.body)) {
      event.preventDefault();
      move(row, event.key === 'ArrowDown' ? 1 : -1);
    }
  });
}

function move(row, step) {
  const stops = $$('.row.waiting, .row-open');
  if (!stops.length) return;
  const at = row ? stops.findIndex((stop) => row.contains(stop)) : step > 0 ? -1 : stops.length;
  stops[Math.min(Math.max(at + step, 0), stops.length - 1)].focus();
}
