/**
 * A WebSocket that reconnects. It has the states of the server's connection machine. In addition, `waiting`
 * is the pause before the next attempt.
 *
 *     idle ──▶ connecting ──▶ joined ──▶ closing ──▶ closed
 *                ▲    │          │                      ▲
 *                │    ▼          │                      │
 *                waiting ◀───────┘        refused, ended by either side
 *
 * Each state has an abort signal. At the end of the state, the signal is aborted, and ends the timers,
 * listeners and requests of the state.
 */

/** @typedef {"idle" | "connecting" | "joined" | "closing" | "waiting" | "closed"} State */

/**
 * The reason that there is no connection:
 *
 * - `reader`: the user disconnected
 * - `ended`: the server closed the connection with a final code
 * - `refused`: the server refused the connection (4xx)
 * - `restart`: the server is restarting
 * - `unready`: the server answers, but cannot accept connections now
 * - `away`: the server does not answer
 *
 * @typedef {object} Cause
 * @property {"reader" | "ended" | "refused" | "restart" | "unready" | "away"} kind
 * @property {string} [text] the reason that the server gave
 */

/**
 * @typedef {object} Status
 * @property {State} state
 * @property {Cause} [cause] present in `waiting` and `closed`, and in `connecting` during a retry
 * @property {number} [pauseMs] present in `waiting`: milliseconds until the next attempt
 */

/** @typedef {{ change(status: Status): void, message(text: string): void }} Listener */

/** @type {Record<State, readonly State[]>} */
const transitions = {
  idle: ["connecting"],
  connecting: ["joined", "waiting", "closing", "closed"],
  joined: ["waiting", "closing", "closed"],
  waiting: ["connecting", "closed"],
  closing: ["closed"],
  closed: ["connecting"],
};

const defaults = {
  /** The upper limit of the first pause. Each failure doubles the limit. */
  firstPauseMs: 500,
  longestPauseMs: 15_000,
  /** A connection that lasts this long resets the limit of the pause. */
  stayedMs: 5_000,
  /** The time limit of one attempt, including the request for the reason of a failure. */
  connectMs: 20_000,
  /** The time limit of the closing handshake. */
  closeMs: 2_000,
};

const finalCodes = new Set([1000, 1003, 1005, 1007, 1008, 1010]);

/**
 * Whether a retry after this close code cannot succeed. A code from 3000 is final if its last three digits
 * are 500 or more, as in Centrifugo.
 *
 * @param {number} code
 */
const isFinal = (code) => finalCodes.has(code) || (code >= 3000 && code % 1000 >= 500);

/** Statuses below 500 after which a later retry may succeed. */
const laterStatuses = new Set([408, 425, 426, 429]);

/**
 * The pause before the next attempt: 50 to 100 % of a limit that doubles with each failure. The pause is
 * random, so that clients that lost the same server reconnect at different times.
 *
 * @param {number} failures in a row, from 1
 * @param {number} random from 0 to 1
 * @returns {number} milliseconds
 */
export function pauseAfter(failures, random = Math.random()) {
  const limit = Math.min(defaults.longestPauseMs, defaults.firstPauseMs * 2 ** (failures - 1));
  return Math.round(limit * (1 - random / 2));
}

export class Connection {
  #path = () => "";
  #failures = 0;
  /** @type {Status} */
  #status = { state: "idle" };
  #stay = new AbortController();
  /** @type {WebSocket | undefined} */
  #socket;
  #listener;

  /** @param {Listener} listener */
  constructor(listener) {
    this.#listener = listener;
  }

  /** @returns {Status} */
  get status() {
    return this.#status;
  }

  /**
   * Opens a socket on `path`, and opens it again after each loss. Ends with {@link disconnect}, or when the
   * server refuses or closes the connection for good. Does nothing unless the state is `idle` or `closed`.
   *
   * @param {() => string} path on this page's origin, escaped; called before each attempt
   */
  connect(path) {
    const { state } = this.#status;
    if (state !== "idle" && state !== "closed") return;
    this.#path = path;
    this.#failures = 0;
    this.#connecting();
  }

  /** Closes the socket or ends the retries. Does nothing if the state is `idle` or `closed`. */
  disconnect() {
    const { state } = this.#status;
    if (state === "waiting") this.#closed({ kind: "reader" });
    else if (state === "connecting" || state === "joined") this.#closing();
  }

  /**
   * @param {string} text
   * @returns {boolean} whether the text was sent: `false` unless the state is `joined`
   */
  send(text) {
    if (this.#status.state !== "joined" || this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(text);
    return true;
  }

  /** @param {Cause} [cause] the cause of the previous failure */
  #connecting(cause) {
    const signal = this.#enter({ state: "connecting", cause });
    const path = this.#path();
    const socket = new WebSocket(socketUrl(path));
    this.#socket = socket;
    socket.addEventListener("open", () => this.#joined(socket), { signal });
    socket.addEventListener("close", () => this.#askWhy(path, signal), { signal });
    after(defaults.connectMs, signal, () => {
      socket.close();
      this.#waiting({ kind: "away" });
    });
  }

  /**
   * Finds the reason of a failed upgrade with a plain request, because browsers hide the response to a
   * refused upgrade. A plain request on the same path gets the same response.
   *
   * @param {string} path
   * @param {AbortSignal} signal
   */
  async #askWhy(path, signal) {
    const answer = await request(path, signal);
    if (signal.aborted) return;
    if (!answer || answer.status < 400 || answer.status === 426) this.#waiting({ kind: "away" });
    else if (answer.status >= 500 || laterStatuses.has(answer.status))
      this.#waiting({ kind: "unready", text: answer.text });
    else this.#closed({ kind: "refused", text: answer.text });
  }

  /** @param {WebSocket} socket */
  #joined(socket) {
    const signal = this.#enter({ state: "joined" });
    socket.addEventListener("message", ({ data }) => this.#listener.message(String(data)), { signal });
    socket.addEventListener("close", ({ code, reason }) => this.#lost(code, reason), { signal });
    after(defaults.stayedMs, signal, () => {
      this.#failures = 0;
    });
  }

  /**
   * @param {number} code
   * @param {string} text
   */
  #lost(code, text) {
    if (isFinal(code)) this.#closed({ kind: "ended", text });
    else if (code === 1012) this.#waiting({ kind: "restart", text });
    else if (code === 1006) this.#waiting({ kind: "away" });
    else this.#waiting({ kind: "unready", text });
  }

  /** @param {Cause} cause */
  #waiting(cause) {
    this.#failures += 1;
    const pauseMs = pauseAfter(this.#failures);
    const signal = this.#enter({ state: "waiting", cause, pauseMs });
    const again = () => this.#connecting(cause);
    after(pauseMs, signal, again);
    window.addEventListener("online", again, { signal });
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && again(), {
      signal,
    });
  }

  #closing() {
    const socket = this.#socket;
    const signal = this.#enter({ state: "closing" });
    const closed = () => this.#closed({ kind: "reader" });
    if (!socket || socket.readyState === WebSocket.CLOSED) return closed();
    socket.addEventListener("close", closed, { signal });
    after(defaults.closeMs, signal, closed);
    socket.close(1000);
  }

  /** @param {Cause} cause */
  #closed(cause) {
    this.#enter({ state: "closed", cause });
    this.#socket = undefined;
  }

  /**
   * @param {Status} status
   * @returns {AbortSignal} aborted at the end of the new state
   */
  #enter(status) {
    const { state } = this.#status;
    if (!transitions[state].includes(status.state))
      throw new Error(`There is no transition from ${state} to ${status.state}.`);
    this.#stay.abort();
    this.#stay = new AbortController();
    this.#status = status;
    const { signal } = this.#stay;
    this.#listener.change(status);
    return signal;
  }
}

/**
 * @param {string} path
 * @returns {URL}
 */
function socketUrl(path) {
  const url = new URL(path, window.location.origin);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url;
}

/**
 * @param {string} path
 * @param {AbortSignal} signal
 * @returns {Promise<{ status: number, text: string } | undefined>} `undefined` if nothing answers
 */
async function request(path, signal) {
  try {
    const response = await fetch(path, { cache: "no-store", signal });
    const plain = response.headers.get("content-type")?.startsWith("text/plain");
    const text = plain ? (await response.text()).trim() : "";
    return { status: response.status, text: text || `${response.status} ${response.statusText}`.trim() };
  } catch {
    return undefined;
  }
}

/**
 * @param {number} ms
 * @param {AbortSignal} signal cancels the timer
 * @param {() => void} run
 */
function after(ms, signal, run) {
  const timer = setTimeout(run, ms);
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
}
