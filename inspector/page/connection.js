/** @import { PageReport, PageRequest } from "../protocol.ts" */

/**
 * `live` while the server tells us; `waiting` for the next try; `refused` when trying again by itself would
 * be of no use.
 *
 * @typedef {object} Status
 * @property {"connecting" | "live" | "waiting" | "refused"} state
 * @property {string} reason why it is not live; empty at the first try. The same from one try to the next.
 * @property {number} [pauseMs] of `waiting`: until the next try
 */

/** @typedef {{ change(status: Status): void, hear(report: PageReport): void }} Listener */

const defaults = {
  /** The longest first pause; each failure doubles it … */
  firstPauseMs: 500,
  /** … up to this one. */
  longestPauseMs: 15_000,
  /** A connection that lasted this long counts as good: the pauses begin anew. */
  stayedMs: 5_000,
  /** How long one try may take. */
  connectMs: 20_000,
  /** How long it may take to say why there was no socket. */
  askMs: 5_000,
  /** How long the server may say nothing: it says something every tick. */
  silentMs: 15_000,
};

/** Statuses below 500 that ask to come back later. */
const laterStatuses = new Set([408, 425, 429]);

/** Doubles with each failure; random, so that pages do not return in step. @param {number} failures from 1 */
function pauseAfter(failures) {
  const limit = Math.min(defaults.longestPauseMs, defaults.firstPauseMs * 2 ** (failures - 1));
  return Math.round(limit * (1 - Math.random() / 2));
}

/** One WebSocket, on the address of the page itself, that is opened again whenever it is lost. */
export class Connection {
  #failures = 0;
  #reason = "";
  /** Of the current state: what it started ends with it. */
  #stay = new AbortController();
  /** @type {WebSocket | undefined} */
  #socket;
  #listener;

  /** @param {Listener} listener */
  constructor(listener) {
    this.#listener = listener;
  }

  /** Also where it was refused, or before a pause is over. */
  open() {
    const signal = this.#enter({ state: "connecting", reason: this.#reason });
    const url = new URL(address(), window.location.origin);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.addEventListener("open", () => this.#opened(socket), { signal });
    socket.addEventListener("close", () => this.#askWhy(signal), { signal });
    after(defaults.connectMs, signal, () => this.#lose(socket, "The server does not answer."));
  }

  /** @param {PageRequest} request @returns {boolean} whether it was sent */
  send(request) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(request));
    return true;
  }

  /** @param {WebSocket} socket */
  #opened(socket) {
    this.#reason = "";
    const signal = this.#enter({ state: "live", reason: "" });
    let heardAt = performance.now();
    const onMessage = (/** @type {MessageEvent} */ { data }) => {
      heardAt = performance.now();
      this.#listener.hear(JSON.parse(String(data)));
    };
    socket.addEventListener("message", onMessage, { signal });
    socket.addEventListener("close", (event) => this.#wait(describeClose(event)), { signal });
    const watch = setInterval(() => {
      if (performance.now() - heardAt > defaults.silentMs)
        this.#lose(socket, "The server says nothing any more.");
    }, defaults.silentMs / 3);
    signal.addEventListener("abort", () => clearInterval(watch), { once: true });
    after(defaults.stayedMs, signal, () => {
      this.#failures = 0;
    });
  }

  /** Browsers hide answers to upgrades; a plain request meets the same guards. @param {AbortSignal} signal */
  async #askWhy(signal) {
    const answer = await request(signal);
    if (signal.aborted) return;
    if (!answer) return this.#wait("The server does not answer.");
    const { status, text } = answer;
    if (status < 400 || status === 426) return this.#wait("The server is there, but opens no WebSocket.");
    if (status >= 500 || laterStatuses.has(status))
      return this.#wait(`The server cannot serve: ${sentence(text)}`);
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

  /** @param {Status} status @returns {AbortSignal} of the new state */
  #enter(status) {
    this.#stay.abort();
    this.#stay = new AbortController();
    const { signal } = this.#stay;
    this.#listener.change(status);
    return signal;
  }
}

/** @param {CloseEvent} event */
function describeClose({ code, reason }) {
  if (code === 1012) return "The server is restarting.";
  if (code === 1006) return "The server went away.";
  return `The server closed the connection (${code}${reason ? `, ${reason}` : ""}).`;
}

/** Without the fragment. */
const address = () => window.location.pathname + window.location.search;

/** @param {string} text with or without an end */
const sentence = (text) => (/[.!?…]$/.test(text) ? text : `${text}.`);

/**
 * @param {AbortSignal} signal
 * @returns {Promise<{ status: number, text: string } | undefined>} `undefined` if nothing answers
 */
async function request(signal) {
  try {
    const response = await fetch(address(), {
      cache: "no-store",
      signal: AbortSignal.any([signal, AbortSignal.timeout(defaults.askMs)]),
    });
    const plain = response.headers.get("content-type")?.startsWith("text/plain");
    const said = plain ? (await response.text()).trim().slice(0, 300) : "";
    const name = `${response.status} ${response.statusText}`.trim();
    return { status: response.status, text: said && said !== name ? `${name}, ${said}` : name };
  } catch {
    return undefined;
  }
}

/** @param {number} ms @param {AbortSignal} signal cancels it @param {() => void} run */
function after(ms, signal, run) {
  const timer = setTimeout(run, ms);
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
}
