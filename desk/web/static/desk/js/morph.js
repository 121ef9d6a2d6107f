// Refreshing a region without touching what somebody is doing in it: rows keep their focus, opened
// details stay open, and a field that somebody has changed keeps its content.

import { $ } from './text.js';

const CONTROLS = new Set(['INPUT', 'TEXTAREA', 'SELECT']);

/** Whether a control holds something the server did not put there. */
export function changed(control) {
  if (control.tagName === 'SELECT') return control.value !== control.dataset.now;
  return control.value !== control.defaultValue;
}

const callbacks = {
  beforeNodeMorphed(old) {
    if (old.nodeType !== Node.ELEMENT_NODE) return true;
    if (CONTROLS.has(old.tagName)) return !(old === document.activeElement || changed(old));
    return true;
  },
  beforeAttributeUpdated(name, element) {
    if (name === 'open' && element.tagName === 'DETAILS') return false;
    if (name === 'disabled' && element.closest('form[data-action]')) return false;
    return true;
  },
};

htmx.defineExtension('morph', {
  handleSwap(style, target, fragment) {
    if (style !== 'morph:innerHTML') return false;
    Idiomorph.morph(target, fragment.children, { morphStyle: 'innerHTML', callbacks });
    return [target];
  },
});

/** Ask a region that knows its own partial (hx-get) to load it again. */
export function refresh(selector, event) {
  const region = $(selector);
  if (region && navigator.onLine) htmx.trigger(region, event);
}
