// The conversation as a map from sequence number to event, and what the page derives from it.

/** The events of one conversation; adding the same one twice changes nothing. */
export class Log {
  #events = new Map();
  #clientIds = new Set();

  /** Takes in one event; true when it was new. */
  add(event) {
    if (!event || typeof event.seq !== "number" || this.#events.has(event.seq)) return false;
    this.#events.set(event.seq, event);
    if (event.client_id) this.#clientIds.add(event.client_id);
    return true;
  }

  /** Whether the log holds the message sent under this client id. */
  holds(clientId) {
    return this.#clientIds.has(clientId);
  }

  /** All events, oldest first. */
  get events() {
    return [...this.#events.values()].sort((a, b) => a.seq - b.seq);
  }
}

const last = (events, test) => events.findLast?.(test) ?? [...events].reverse().find(test);

/**
 * What the page shows besides the messages themselves.
 * `events` oldest first; `pending` the customer's own items that are not in the log yet;
 * `conversation` as the desk described it when the page opened, or null.
 */
export function derive(events, pending, conversation) {
  const owned = last(events, (event) => event.kind === "owner");
  const owner = owned?.owner ?? conversation?.owner ?? "bot";
  const spoken = last(events, (event) => event.kind === "message");
  const waitingToSend = pending.some((item) => item.kind !== "human" && !item.failed);
  return {
    owner,
    agent: owned?.agent ?? conversation?.agent ?? "",
    queue: owned?.queue ?? conversation?.queue ?? null,
    choices: owner === "bot" && !waitingToSend ? openChoices(events) : null,
    botOwes: owner === "bot" && !waitingToSend && spoken?.author === "customer",
    tickets: latestTickets(events),
  };
}

/** The latest bot message's choices, unless the customer has said something since: {seq, choices}. */
function openChoices(events) {
  const asked = last(
    events,
    (event) =>
      event.kind === "owner" ||
      (event.kind === "message" && (event.author === "bot" || event.author === "customer")),
  );
  if (asked?.kind !== "message" || asked.author !== "bot" || !asked.choices?.length) return null;
  // "Not right, change it" belongs to a ticket that is still open.
  const corrects = asked.choices.every(({ id }) => id === "none" || id === "human");
  const settled = ({ seq, ticket }) => seq > asked.seq && ["completed", "closed"].includes(ticket?.state);
  if (corrects && events.some(settled)) return null;
  return { seq: asked.seq, choices: asked.choices };
}

/** Ticket id -> sequence number of the event with its latest state: only that one gets buttons. */
function latestTickets(events) {
  const latest = new Map();
  for (const event of events) {
    if (event.kind === "ticket" && event.ticket) latest.set(event.ticket.id, event.seq);
  }
  return latest;
}
