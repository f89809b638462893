import { MayHaveBeenTaken } from "./greenroom-client.js";

/**
 * Describes the status of a panel. The text is the same for all retries, so that a screen reader reads it once.
 *
 * @param {import("./panel.js").PanelStatus} status
 * @param {string} place
 * @param {object} details
 * @param {boolean} details.hasLeft whether the user has ended the connection
 * @param {number} details.waiting the number of messages that the server has not handled yet
 * @param {string} details.unsent the notice about an unsent message
 * @returns {string}
 */
export function describe(status, place, { hasLeft, waiting, unsent }) {
  const count = waiting === 1 ? "1 message waits." : `${waiting} messages wait.`;
  const notes = [waiting === 0 || status.state === "joined" ? "" : count, unsent];
  const withNotes = (/** @type {string} */ text) => [text, ...notes].filter(Boolean).join(" ");
  switch (status.state) {
    case "idle":
      return withNotes("Not connected yet.");
    case "connecting":
      return withNotes(`Connecting to ${place}…`);
    case "joined":
      return withNotes(`Connected to ${place}.`);
    case "away":
      return withNotes("The connection is lost. Reconnecting by itself.");
    case "closing":
      return `Leaving ${place}…`;
    case "closed":
      return withNotes(hasLeft ? "Disconnected." : describeEnd(status));
  }
}

/** @param {{ reason: string, status?: number | undefined }} closed */
function describeEnd({ reason, status }) {
  if (status !== undefined) return `Refused: ${reason || status}`;
  return `The server closed the connection${reason ? `: ${reason}` : "."}`;
}

/** @param {boolean} hasDraft whether the text stays in a field @param {unknown} error of `send`, if it was called */
export function describeUnsent(hasDraft, error) {
  const isUnknown = error instanceof MayHaveBeenTaken;
  if (!hasDraft) return isUnknown ? "It may have been sent, or not." : "Nothing was sent.";
  return `Your message ${isUnknown ? "may have been sent, or not" : "was not sent"}; it stays in the field.`;
}
