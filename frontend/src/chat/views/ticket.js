import { html, nothing } from "lit";
import { lang, moment, t, tOr } from "../../shared/i18n.js";
import { tickIcon } from "./icons.js";

const STEPS = ["open", "dispatched", "completed"];

/**
 * A ticket in the thread. Only the latest event of a ticket is a card with buttons; what it was
 * before stays as one line, so that the thread still tells the story.
 */
export function ticketCard(ticket, { current, label, actions, now = Date.now() }) {
  const name = ticket.label ?? label ?? ticket.category;
  const state = tOr(`ticket.${ticket.state}`, ticket.state);
  if (!current) {
    return html`<li class="ticket-line"><span>${name}</span> · ${state}</li>`;
  }
  const done = ticket.state === "completed" || ticket.state === "closed";
  const reopenable = ticket.state === "completed" && !(Date.parse(ticket.reopen_until) < now);
  return html`<li class="ticket" data-ticket=${ticket.id} data-state=${ticket.state}>
    <div class="ticket-head">
      <span class="unseen">${t("ticket.about")}</span>
      <strong>${name}</strong>
      <span class="pill">${done ? tickIcon : nothing}${state}</span>
    </div>
    ${done ? nothing : steps(ticket.state)}
    ${detail(ticket, done)}
    ${!done && ticket.asked ? question(ticket, actions) : nothing}
    ${reopenable
      ? html`<button type="button" class="reopen" @click=${() => actions.reopen(ticket.id)}>${t("ticket.reopen")}</button>
          <p class="ticket-note">${ticket.reopen_until ? t("ticket.reopen_until", { at: moment(ticket.reopen_until) }) : nothing}</p>`
      : nothing}
    <a class="progress" href=${progressUrl(ticket.id)}>${t("ticket.progress")}</a>
  </li>`;
}

/** The carrier says something that may settle it: two taps answer. The message above asks. */
function question(ticket, actions) {
  return html`<div class="settle" role="group" aria-label=${ticket.asked.text}>
    <button type="button" class="choice" data-settled="yes" @click=${() => actions.settle(ticket.id, true)}>${t("ticket.settled")}</button>
    <button type="button" class="choice quiet" data-settled="no" @click=${() => actions.settle(ticket.id, false)}>${t("ticket.not_settled")}</button>
  </div>`;
}

/** The page of a ticket, in this language and, inside a shop's page, still inside it. */
function progressUrl(id) {
  const here = new URLSearchParams(location.search);
  const kept = new URLSearchParams({ lang });
  for (const name of ["embed", "parent"]) if (here.get(name)) kept.set(name, here.get(name));
  return `/chat/tickets/${encodeURIComponent(id)}?${kept}`;
}

function detail(ticket, done) {
  if (done) {
    // Why it was completed is said by the message that comes with it.
    return ticket.completed_at ? html`<p>${t("ticket.done_at", { at: moment(ticket.completed_at) })}</p>` : nothing;
  }
  return ticket.due_at ? html`<p>${t("ticket.promised", { at: moment(ticket.due_at) })}</p>` : nothing;
}

function steps(state) {
  const reached = STEPS.indexOf(state);
  return html`<ol class="steps" aria-hidden="true">
    ${STEPS.map((step, index) => html`<li ?data-reached=${index <= reached}>${t(`ticket.step_${step}`)}</li>`)}
  </ol>`;
}
