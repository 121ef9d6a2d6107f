// The page that embeds this one in an iframe (widget.js), if there is one.

const query = new URLSearchParams(location.search);
const parentOrigin = query.get("parent");

export const embedded = query.get("embed") === "1" && window.parent !== window;

/** Tells the embedding page something. Only its own origin hears it; no customer data is in it. */
export function tellHost(message) {
  if (!embedded || !parentOrigin) return;
  try {
    window.parent.postMessage({ kefu: message }, parentOrigin);
  } catch {
    // `parent` was not an origin: nobody to tell.
  }
}

/** Calls `onOpen` when the embedding page has opened the panel, `onClose` when it has closed it. */
export function hearHost({ onOpen, onClose }) {
  window.addEventListener("message", (event) => {
    if (!embedded || event.source !== window.parent || event.origin !== parentOrigin) return;
    if (event.data?.kefu === "opened") onOpen();
    if (event.data?.kefu === "closed") onClose();
  });
}
