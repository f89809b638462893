import { isIP, type Socket } from "node:net";
import { Worker } from "node:worker_threads";
import type { Redis } from "ioredis";
import type { Clock } from "../../clock.ts";
import { asError } from "../../errors.ts";
import { withTimeout } from "../../with-timeout.ts";
import { group } from "./consumer-names.ts";
import { lifeSignThread } from "./life-sign-thread.ts";
import { lifeSignScript } from "./queue-scripts.ts";

/** The number of failures in a row after which the failure is reported, although the layer is connected. */
const failuresToReport = 3;

/** How long the thread lives on without consumers, because a program may close one and open another. */
const lingerMs = 1_000;

/** The description of a connection, for the thread. */
interface Target {
  readonly serial: number;
  readonly isTls: boolean;
  readonly socket: object;
  readonly hello: string;
  readonly patienceMs: number;
}

/** A message from the thread: see {@link lifeSignThread}. */
interface Report {
  readonly id: number;
  readonly failures: number;
  readonly reason?: string;
}

let serials = 0;

/**
 * Gives the life signs of the consumers of one server. A thread of its own gives them, so that a job that
 * blocks the event loop stays with its worker. The thread has its own connection, to the server to which the
 * layer is connected. All life signs of a process share one thread, which runs only while it is needed.
 *
 * If the thread cannot connect, the failure is reported once. The event loop then gives the only life signs.
 */
export class LifeSigns {
  readonly #id = nextSerial();
  readonly #patienceMs: number;
  readonly #clock: Clock;
  readonly #isUp: () => boolean;
  readonly #onError: (error: Error) => void;
  readonly #beats = new Map<symbol, { readonly command: string; readonly everyMs: number }>();
  #target: Target | undefined;
  #isReported = false;
  #settle = () => {};
  /** Resolves once the thread has given a life sign, or has failed to. */
  #settled = Promise.resolve();

  /**
   * @param patienceMs how long the server may take to reply.
   * @param isUp whether the layer itself is connected. Failures during an outage are not reported.
   */
  constructor(patienceMs: number, clock: Clock, isUp: () => boolean, onError: (error: Error) => void) {
    this.#patienceMs = patienceMs;
    this.#clock = clock;
    this.#isUp = isUp;
    this.#onError = onError;
  }

  /** Directs the thread to the server to which `redis` is connected now. */
  connected(redis: Redis): void {
    this.#target = targetOf(redis, this.#patienceMs);
    if (this.#beats.size > 0) this.#post();
  }

  /**
   * Begins the life signs of `consumers`. Resolves once the first is given or has failed.
   * @returns a function that ends the life signs.
   */
  async begin(stream: string, consumers: readonly string[], everyMs: number): Promise<() => void> {
    const key = Symbol(stream);
    const command = encode("EVAL", lifeSignScript.lua, "1", stream, group, ...consumers);
    if (this.#beats.size === 0) {
      this.#settled = new Promise((resolve) => {
        this.#settle = resolve;
      });
    }
    this.#beats.set(key, { command, everyMs });
    this.#post();
    // Waits, because the first job may block the event loop. Later failures are reported like all others.
    const late = () => new Error("no life sign yet");
    await withTimeout(this.#settled, this.#patienceMs, this.#clock, late).catch(() => {});
    return () => {
      if (this.#beats.delete(key)) this.#post();
    };
  }

  /** Called with each report of the thread, and if the thread cannot run. */
  readonly onReport = ({ failures, reason = "" }: Omit<Report, "id">): void => {
    this.#settle();
    if (failures < failuresToReport || this.#isReported || !this.#isUp()) return;
    this.#isReported = true;
    this.#onError(
      new Error(
        `The thread that gives life signs to Redis failed: ${reason}. Jobs that block the event loop for ` +
          "longer than `claimAfterMs` may go to other workers and run twice.",
      ),
    );
  };

  #post(): void {
    const beats = [...this.#beats.values()];
    if (beats.length === 0) thread.remove(this.#id);
    else if (this.#target === undefined) {
      this.onReport({ failures: failuresToReport, reason: "the address of the server is unknown" });
    } else {
      thread.update(this.#id, this, {
        target: this.#target,
        beat: beats.map(({ command }) => command).join(""),
        everyMs: Math.min(...beats.map(({ everyMs }) => everyMs)),
      });
    }
  }
}

/** The thread of this process. It starts with the first consumer, and ends a second after the last one. */
const thread = {
  worker: undefined as Worker | undefined,
  links: new Map<number, LifeSigns>(),
  ending: undefined as NodeJS.Timeout | undefined,

  update(id: number, link: LifeSigns, facts: object): void {
    this.links.set(id, link);
    clearTimeout(this.ending);
    try {
      this.worker ??= this.start();
      this.worker.postMessage({ id, ...facts });
    } catch (error) {
      // Node's permission model may forbid threads, and TLS options that contain functions cannot be posted.
      this.failed([link], asError(error));
    }
  },

  remove(id: number): void {
    if (!this.links.delete(id)) return;
    this.worker?.postMessage({ id });
    if (this.links.size === 0) this.ending = setTimeout(() => this.end(), lingerMs).unref();
  },

  start(): Worker {
    // Without these options, the thread would load the modules that the program preloads.
    const { NODE_TLS_REJECT_UNAUTHORIZED: tls } = process.env;
    const env = tls === undefined ? {} : { NODE_TLS_REJECT_UNAUTHORIZED: tls };
    const worker = new Worker(lifeSignThread, {
      eval: true,
      execArgv: [],
      env,
      name: "greenroom-life-signs",
    });
    worker.on("message", ({ id, ...report }: Report) => this.links.get(id)?.onReport(report));
    worker.on("error", (error) => this.failed([...this.links.values()], asError(error)));
    // Must follow the listeners, because each of them keeps the process running.
    worker.unref();
    return worker;
  },

  end(): void {
    void this.worker?.terminate();
    this.worker = undefined;
  },

  failed(links: readonly LifeSigns[], { message }: Error): void {
    for (const link of links) link.onReport({ failures: failuresToReport, reason: message });
  },
};

/** Returns undefined if the connection has no address, because the application made it in its own way. */
function targetOf({ options, stream }: Redis, patienceMs: number): Target | undefined {
  const { path, tls, host = "", sentinels, username, password, db = 0 } = options;
  const { remoteAddress, remotePort } = stream as Socket;
  if (path === undefined && remoteAddress === undefined) return undefined;
  const address = path === undefined ? { host: remoteAddress, port: remotePort } : { path };
  // The certificate contains the name. With Sentinel, the name is not among the options.
  const isNamed = tls !== undefined && !sentinels && isIP(host) === 0;
  const hello = [
    ...(password ? [encode("AUTH", ...(username ? [username] : []), password)] : []),
    encode("CLIENT", "SETNAME", "greenroom-life-signs"),
    ...(db === 0 ? [] : [encode("SELECT", String(db))]),
  ];
  return {
    serial: nextSerial(),
    isTls: tls !== undefined,
    socket: { ...(isNamed && { servername: host }), ...tls, ...address },
    hello: hello.join(""),
    patienceMs,
  };
}

/** Encodes a command for Redis. */
function encode(...words: readonly string[]): string {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${parts.length}\r\n${parts.join("")}`;
}

function nextSerial(): number {
  serials += 1;
  return serials;
}
