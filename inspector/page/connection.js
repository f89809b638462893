/** @import { PageReport, PageRequest } from "../protocol.ts" */

/**
 * `refused` means that the server rejects the page, so that a retry would not help.
 *
 * @typedef {object} Status
 * @property {"connecting" | "live" | "waiting" | "refused"} state
 * @property {string} reason the reason that the page is not live; empty before the first failure
 * @property {number} [pauseMs] milliseconds until the next attempt, if `waiting`
 */

/** @typedef {{ onStatus(status: Status): void, onReport(report: PageReport): void }} Listener */

const defaults = {
  /** The longest pause before the first retry. Each failure doubles this limit, up to `longestPauseMs`. */
  firstPauseMs: 500,
  longestPauseMs: 15_000,
  /** After a connection of this duration, the limit of the pauses begins at `firstPauseMs` again. */
  stableMs: 5_000,
  connectMs: 20_000,
  /** The timeout of the request that finds out why an attempt failed. */
  diagnoseMs: 5_000,
  /** The connection counts as lost if no report arrives for this long. A report is sent at every tick. */
  silentMs: 15_000,
};

/** HTTP statuses below 500 after which a retry may succeed. */
const retryStatuses = new Set([408, 425, 429]);

/** A random pause, so pages do not retry together. It doubles per failure. @param {number} failures from 1 */
function pauseAfter(failures) {
  const limit = Math.min(defaults.longestPauseMs, defaults.firstPauseMs * 2 ** (failures - 1));
  return Math.round(limit * (1 - Math.random() / 2));
}

/** A WebSocket to the page's own address. Reconnects after the connection is lost. */
export class Connection {
  #failures = 0;
  #reason = "";
  /** Aborted at the end of the current state. This ends the timers and listeners of that state. */
  #stateEnd = new AbortController();
  /** @type {WebSocket | undefined} */
  #socket;
  #listener;

  /** @param {Listener} listener */
  constructor(listener) {
    this.#listener = listener;
  }

  /** Connects immediately, even after a refusal or during a pause. */
  open() {
    const signal = this.#enter({ state: "connecting", reason: this.#reason });
    const url = new URL(address(), window.location.origin);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.addEventListener("open", () => this.#opened(socket), { signal });
    socket.addEventListener("close", () => this.#diagnose(signal), { signal });
    after(defaults.connectMs, signal, () => this.#lose(socket, "The server does not respond."));
  }

  /** @param {PageRequest} request @returns {boolean} whether the request was sent */
  send(request) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(request));
    return true;
  }

  /** @param {WebSocket} socket */
  #opened(socket) {
    this.#reason = "";
    const signal = this.#enter({ state: "live", reason: "" });
    let receivedAt = performance.now();
    const onMessage = (/** @type {MessageEvent} */ { data }) => {
      receivedAt = performance.now();
      this.#listener.onReport(JSON.parse(String(data)));
    };
    socket.addEventListener("message", onMessage, { signal });
    socket.addEventListener("close", (event) => this.#wait(describeClose(event)), { signal });
    const watch = setInterval(() => {
      if (performance.now() - receivedAt > defaults.silentMs)
        this.#lose(socket, "The server has stopped responding.");
    }, defaults.silentMs / 3);
    signal.addEventListener("abort", () => clearInterval(watch), { once: true });
    after(defaults.stableMs, signal, () => {
      this.#failures = 0;
    });
  }

  /**
   * Sends a GET request to find out why an upgrade failed, because browsers hide the responses to upgrades.
   * The server applies the same guards to both requests.
   *
   * @param {AbortSignal} signal
   */
  async #diagnose(signal) {
    const response = await request(signal);
    if (signal.aborted) return;
    if (!response) return this.#wait("The server does not respond.");
    const { status, text } = response;
    if (status < 400 || status === 426) return this.#wait("The server responds, but opens no WebSocket.");
    if (status >= 500 || retryStatuses.has(status))
      return this.#wait(`The server is unavailable: ${sentence(text)}`);
    this.#reason = `Refused: ${sentence(text)}`;
    this.#enter({ state: "refused", reason: this.#reason });
  }

  /** @param {WebSocket} socket @param {string} reason */
  #lose(socket, reason) {
    this.#wait(reason);
    socket.close();
  }

  /** @param {string} reason */
  #wait(reason) {
    this.#reason = reason;
    this.#failures += 1;
    const pauseMs = pauseAfter(this.#failures);
    const signal = this.#enter({ state: "waiting", reason, pauseMs });
    const again = () => this.open();
    const onVisibility = () => document.visibilityState === "visible" && again();
    after(pauseMs, signal, again);
    window.addEventListener("online", again, { signal });
    document.addEventListener("visibilitychange", onVisibility, { signal });
  }

  /** @param {Status} status @returns {AbortSignal} aborted at the end of the new state */
  #enter(status) {
    this.#stateEnd.abort();
    this.#stateEnd = new AbortController();
    const { signal } = this.#stateEnd;
    this.#listener.onStatus(status);
    return signal;
  }
}

/** @param {CloseEvent} event */
function describeClose({ code, reason }) {
  if (code === 1012) return "The server is restarting.";
  if (code === 1006) return "The connection to the server was lost.";
  return `The server closed the connection (${code}${reason ? `, ${reason}` : ""}).`;
}

const address = () => window.location.pathname + window.location.search;

/** Adds a full stop if there is none. @param {string} text */
const sentence = (text) => (/[.!?…]$/.test(text) ? text : `${text}.`);

/** @param {AbortSignal} signal @returns {Promise<{ status: number, text: string } | undefined>} */
async function request(signal) {
  try {
    const response = await fetch(address(), {
      cache: "no-store",
      signal: AbortSignal.any([signal, AbortSignal.timeout(defaults.diagnoseMs)]),
    });
    const plain = response.headers.get("content-type")?.startsWith("text/plain");
    const body = plain ? (await response.text()).trim().slice(0, 300) : "";
    const name = `${response.status} ${response.statusText}`.trim();
    return { status: response.status, text: body && body !== name ? `${name}, ${body}` : name };
  } catch {
    return undefined;
  }
}

/** @param {number} ms @param {AbortSignal} signal cancels the timer @param {() => void} run */
function after(ms, signal, run) {
  const timer = setTimeout(run, ms);
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
}
