/**
 * Describes a connection's status. The text is the same for all retries, so that a screen reader reads it
 * once.
 *
 * @param {import("./connection.js").Status} status
 * @param {string} place
 * @param {string} [unsent] the notice about an unsent message
 * @returns {string}
 */
export function describe({ state, cause }, place, unsent = "") {
  const kept = unsent && ` ${unsent}`;
  switch (state) {
    case "idle":
      return `Not connected yet.${kept}`;
    case "connecting":
      return (cause ? lost(cause) : `Connecting to ${place}…`) + kept;
    case "joined":
      return `Connected to ${place}.`;
    case "closing":
      return `Leaving ${place}…`;
    case "waiting":
      return lost(cause) + kept;
    case "closed":
      return over(cause) + kept;
  }
}

/** @param {import("./connection.js").Cause | undefined} cause */
function lost(cause) {
  const text = cause?.text ? ` (${cause.text})` : "";
  if (cause?.kind === "restart") return "The server is restarting. Reconnecting by itself.";
  if (cause?.kind === "unready") return `The server cannot serve right now${text}. Reconnecting by itself.`;
  return "The server went away. Reconnecting by itself.";
}

/** @param {import("./connection.js").Cause | undefined} cause */
function over(cause) {
  if (cause?.kind === "refused") return `Refused: ${cause.text}`;
  if (cause?.kind === "ended")
    return `The server closed the connection${cause.text ? `: ${cause.text}` : "."}`;
  return "Disconnected.";
}
