// What an agent has written but the desk has not confirmed: drafts and unsent messages, kept per
// conversation in sessionStorage so that neither a reload nor a lost connection costs a word.

const read = (key, otherwise) => {
  try {
    return JSON.parse(sessionStorage.getItem(key)) ?? otherwise;
  } catch {
    return otherwise;
  }
};
const write = (key, value, empty) => {
  if (empty) sessionStorage.removeItem(key);
  else sessionStorage.setItem(key, JSON.stringify(value));
};

/** The draft of a conversation: {reply, note, mode}. */
export const draft = (id) => read(`desk.draft.${id}`, { reply: '', note: '', mode: 'reply' });

export const keepDraft = (id, value) =>
  write(`desk.draft.${id}`, value, !value.reply && !value.note && value.mode === 'reply');

/** Messages without the desk's yes: [{client_id, mode, text}]. */
export const unsent = (id) => read(`desk.unsent.${id}`, []);

export function keepUnsent(id, message) {
  const others = unsent(id).filter((kept) => kept.client_id !== message.client_id);
  write(`desk.unsent.${id}`, [...others, message], false);
}

export function dropUnsent(id, clientId) {
  const left = unsent(id).filter((kept) => kept.client_id !== clientId);
  write(`desk.unsent.${id}`, left, left.length === 0);
}
