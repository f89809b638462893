import { connect } from "./greenroom-client.js";
import { createPanel } from "./panel.js";

/** @import { Gap, RawClient } from "./greenroom-client.js" */
/** @import { Line } from "./message-list.js" */

/**
 * @typedef {object} TextPanelOptions
 * @property {() => string} url relative to the page
 * @property {() => string} place see `createPanel`
 * @property {(text: string) => Line | undefined} read returns the line for a text of the server, if any
 * @property {(text: string) => string} [write] returns what is sent for a text of the user
 * @property {(gap: Gap) => Line} [missed] returns the line for texts that are lost
 * @property {boolean} [renews] whether a new session needs a new address, and misses nothing with it
 */

/**
 * A panel whose frames are texts, without a contract.
 *
 * @param {HTMLElement} element
 * @param {TextPanelOptions} options
 */
export function createTextPanel(
  element,
  { url, place, read, write = (text) => text, missed = describeGap, renews = false },
) {
  /** @type {RawClient | undefined} */
  let current;
  const panel = createPanel(element, {
    open() {
      const client = connect({ url: url() });
      current = client;
      client.on("text", (text) => {
        // A client that was replaced still sends what it has queued, and the texts come twice meanwhile.
        if (client === current) add(read(text));
      });
      client.onGap((gap) => {
        if (gap.fresh && renews) panel.renew();
        else add(missed(gap));
      });
      return client;
    },
    place,
    say: (text, client) => client.send(write(text)),
  });

  /** @param {Line | undefined} line */
  function add(line) {
    if (line) panel.messages.add(line);
  }

  return panel;
}

/** @param {Gap} gap @returns {Line} */
function describeGap({ fresh, missed }) {
  const text = fresh
    ? "The server has ended the session. Messages sent in between are not shown here."
    : `Messages are missing here${missed === undefined ? "" : `: ${missed}`}.`;
  return { text, kind: "gap" };
}
