import { find, write } from "./dom.js";

/** @import { Status } from "./client.js" */

/** The first connection takes too long after this time, in milliseconds. */
const slowMs = 10_000;
const noWebSocket = "The server opens no WebSocket: a proxy may not pass it. Retrying.";

/**
 * The status text stays the same during retries, so screen readers read it once. The countdown is separate.
 *
 * @param {HTMLElement} element @param {() => void} tryNow
 */
export function createLive(element, tryNow) {
  const text = find(element, "[role=status]", HTMLElement);
  const timer = find(element, "[role=timer]", HTMLElement);
  const button = find(element, "button", HTMLButtonElement);
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let ticking;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let slow;
  button.addEventListener("click", tryNow);

  return {
    /** @param {Status} status */
    show(status) {
      const { state } = status;
      element.dataset.state = state;
      document.body.dataset.live = String(state === "joined");
      write(text, describe(status));
      button.hidden = state !== "closed" && state !== "away";
      clearInterval(ticking);
      clearTimeout(slow);
      if (state === "connecting") slow = setTimeout(() => write(text, noWebSocket), slowMs);
      if (state !== "away") return write(timer, "");
      const due = performance.now() + status.retryInMs;
      const tick = () => {
        const seconds = Math.ceil((due - performance.now()) / 1000);
        write(timer, seconds > 0 ? `Next attempt in ${seconds} s.` : "Retrying now.");
      };
      tick();
      ticking = setInterval(tick, 250);
    },
  };
}

/** @param {Status} status */
function describe(status) {
  switch (status.state) {
    case "joined":
      return "Live";
    case "away":
      return "The connection to the server is lost.";
    case "closed":
      if (status.status !== undefined) return `Refused: ${sentence(status.reason || `${status.status}`)}`;
      return `The server closed the connection (${status.code}${status.reason && `, ${status.reason}`}).`;
    default:
      return "Connecting…";
  }
}

/** Adds a full stop if there is none. @param {string} text */
const sentence = (text) => (/[.!?…]$/.test(text) ? text : `${text}.`);
