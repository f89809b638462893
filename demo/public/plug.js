import { enable } from "./dom.js";

/** @import { WebSocketConstructor } from "./greenroom-client.js" */

/** The plug goes in again by itself after this time, in milliseconds. */
const pulledMs = 10_000;

/**
 * Lets the user cut the connection of a client: while the plug is pulled, its socket is closed, and new ones fail.
 *
 * @param {HTMLButtonElement} button pulls the plug, and puts it in again
 */
export function createPlug(button) {
  const label = button.textContent ?? "";
  let isPulled = false;
  let timer = 0;
  /** @type {WebSocket | undefined} */
  let socket;

  button.addEventListener("click", () => {
    if (isPulled) putIn();
    else if (button.ariaDisabled !== "true") pull();
  });

  function pull() {
    isPulled = true;
    button.textContent = "Plug in";
    timer = window.setTimeout(putIn, pulledMs);
    socket?.close();
  }

  function putIn() {
    if (!isPulled) return;
    isPulled = false;
    button.textContent = label;
    window.clearTimeout(timer);
    // A browser tells its pages when the network is back.
    window.dispatchEvent(new Event("online"));
  }

  /** @param {string} url @param {string[]} protocols */
  function PluggedSocket(url, protocols) {
    if (isPulled) return new UnpluggedSocket();
    socket = new WebSocket(url, protocols);
    return socket;
  }

  return {
    /** The constructor for the client: `new` gives the socket that the function returns. */
    WebSocket: /** @type {WebSocketConstructor} */ (/** @type {unknown} */ (PluggedSocket)),

    /** @param {boolean} isJoined whether there is a connection to cut */
    enable: (isJoined) => enable(button, isJoined || isPulled),
    putIn,
  };
}

/** A socket without a network: it fails at once. */
class UnpluggedSocket {
  /** @type {((event: CloseEvent) => void) | null} */
  onclose = null;

  constructor() {
    setTimeout(() => this.onclose?.(new CloseEvent("close", { code: 1006 })));
  }

  send() {}

  close() {}
}
