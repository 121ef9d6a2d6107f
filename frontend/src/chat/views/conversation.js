import { html, nothing } from "lit";
import { t } from "../../shared/i18n.js";
import { downIcon } from "./icons.js";
import { choiceButtons, thread, waiting, welcome } from "./thread.js";

/** What scrolls: the thread of `chat` (the element), the open question's buttons, who is writing. */
export function conversation(chat, view) {
  const { session } = chat;
  const actions = {
    retry: (id) => session.retry(id),
    remove: (id) => session.remove(id),
    choose: (choice) => {
      session.choose(choice);
      chat.keepFocus();
    },
    human: () => {
      chat.human();
      chat.keepFocus();
    },
    reopen: (id) => {
      session.reopen(id);
      chat.keepFocus();
    },
    settle: (id, settled) => {
      session.settle(id, settled);
      chat.keepFocus();
    },
  };
  const labels = new Map(chat.categories.map(({ id, label }) => [id, label]));
  const silent = !session.log.events.length && !session.pending.some(({ kind }) => kind === "text");
  return html`<main class="scroll" @scroll=${() => chat.scrolled()}>
      ${session.ready && silent ? welcome(labels.get(chat.ticked)) : nothing}
      ${thread({ session, view, labels, actions })}
      ${choiceButtons(view.choices, actions)}
      ${waiting(chat.patience.look(view), actions)}
    </main>
    ${chat.scroller.newBelow
      ? html`<button type="button" class="new-below" @click=${() => chat.scroller.down()}>${t("chat.new_below")}${downIcon}</button>`
      : nothing}`;
}
