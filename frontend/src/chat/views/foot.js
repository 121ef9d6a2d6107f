import { html, nothing } from "lit";
import { categoryMenu, composer, sendsOnEnter } from "./composer.js";

/** Network line, category menu and composer of `chat` (the element). A person needs no menu. */
export function foot(chat, view) {
  const { session } = chat;
  const begun = session.log.events.length > 0 || session.pending.length > 0;
  const open = chat.menuOpen ?? (session.ready && !begun);
  const menu = () =>
    categoryMenu({
      categories: chat.categories,
      ticked: chat.ticked,
      open,
      onTick: (id) => chat.tick(id, begun),
      onToggle: () => {
        chat.menuOpen = !open;
        chat.requestUpdate();
      },
    });
  return html`<footer>
    ${chat.network.draw(session)}
    ${view.owner === "bot" ? menu() : nothing}
    ${composer({
      length: [...chat.text].length,
      ticked: chat.ticked,
      canSend: chat.canSend,
      onSend: (event) => chat.send(event),
      onInput: () => chat.typed(),
      onKey: (event) => {
        if (!sendsOnEnter(event)) return;
        event.preventDefault();
        chat.send();
      },
    })}
  </footer>`;
}
