import { html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { t } from "../../shared/i18n.js";
import { closeIcon, downIcon, sendIcon, tickIcon } from "./icons.js";

export const TEXT_LIMIT = 2000;

/** The category menu: at most one is ticked. Folded to one line once the conversation runs. */
export function categoryMenu({ categories, ticked, open, onTick, onToggle }) {
  if (!categories.length) return nothing;
  const label = categories.find(({ id }) => id === ticked)?.label;
  if (!open) {
    return html`<div class="menu folded">
      <button type="button" class="fold" aria-expanded="false" @click=${onToggle}>
        <span>${label ? t("menu.ticked") : t("menu.title")}</span>${label ? nothing : downIcon}
      </button>
      ${label
        ? html`<button type="button" class="chip" aria-pressed="true" aria-label=${t("menu.untick", { label })}
            @click=${() => onTick(ticked)}>${tickIcon}${label}${closeIcon}</button>`
        : nothing}
    </div>`;
  }
  return html`<div class="menu" role="group" aria-label=${t("menu.title")}>
    <button type="button" class="fold" aria-expanded="true" @click=${onToggle}>
      <span>${t("menu.title")}</span>${downIcon}
    </button>
    <div class="chips">
      ${repeat(categories, ({ id }) => id, ({ id, label }) => html`<button type="button" class="chip"
        data-category=${id} aria-pressed=${id === ticked ? "true" : "false"} @click=${() => onTick(id)}>
        ${id === ticked ? tickIcon : nothing}${label}</button>`)}
    </div>
  </div>`;
}

/**
 * Whether this key press sends. Safari ends a composition before the key press arrives, with key
 * code 229: `isComposing` alone would send half-typed pinyin. On touch, Enter is a new line.
 */
export function sendsOnEnter(event) {
  return (
    event.key === "Enter" &&
    !event.shiftKey &&
    !event.isComposing &&
    event.keyCode !== 229 &&
    matchMedia("(pointer: fine)").matches
  );
}

/** The text field and its button. */
export function composer({ length, ticked, canSend, onSend, onInput, onKey }) {
  const over = length > TEXT_LIMIT;
  return html`<form class="composer" @submit=${onSend}>
    <label class="unseen" for="kefu-text">${t("composer.label")}</label>
    <textarea id="kefu-text" rows="1" enterkeyhint="send" autocomplete="off"
      placeholder=${ticked ? t("composer.placeholder_ticked") : t("composer.placeholder")}
      aria-invalid=${over ? "true" : "false"} @input=${onInput} @keydown=${onKey}></textarea>
    <button type="submit" class="send" ?disabled=${!canSend || over} aria-label=${t("composer.send")}>
      ${sendIcon}<span>${t("composer.send")}</span>
    </button>
    ${length > TEXT_LIMIT - 200
      ? html`<p class="count" role="status" ?data-over=${over}>${t("composer.count", { n: length, limit: TEXT_LIMIT })}</p>`
      : nothing}
  </form>`;
}
