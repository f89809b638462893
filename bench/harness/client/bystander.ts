import { setPriority } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { now } from "../clock.ts";
import type { ClientProtocol } from "./client-protocol.ts";
import { Connection } from "./connection.ts";
import { type EchoFigures, EchoTally } from "./echo-tally.ts";
import { leastSize, messageText, numberIn } from "./message-text.ts";

/** The interval of the messages. */
const everyMs = 20;
/** The time that the last echoes may take by default. */
const graceMs = 10_000;
const pollMs = 10;
/** The highest priority of a normal process: above the processes of the load, if the system allows it. */
const priority = -20;

/** A client that is alone in a room. It sends numbered messages at a fixed rate, and awaits their copies. */
class Bystander {
  readonly #connection: Connection;
  readonly #room: number;
  #tally = new EchoTally();
  #timer: NodeJS.Timeout | undefined;
  #failure: Error | undefined;

  constructor(connection: Connection, room: number) {
    this.#connection = connection;
    this.#room = room;
    connection.listen(
      (bytes, start) => {
        const number = numberIn(bytes, start);
        // Other texts are notices of the server, such as those of the demo.
        if (Number.isInteger(number)) this.#tally.arrive(number, now());
      },
      (error) => {
        this.#failure ??= error;
      },
    );
  }

  start(): void {
    this.#tally = new EchoTally();
    this.#timer = setInterval(() => {
      const number = this.#tally.send(now());
      this.#connection.write(this.#connection.frame(messageText(this.#room, 0, number, leastSize)));
    }, everyMs);
  }

  async stop(mostMs: number): Promise<void> {
    clearInterval(this.#timer);
    await this.#waitFor(() => this.#tally.missing === 0, mostMs);
  }

  figures(fromMs: number, toMs: number): EchoFigures {
    return this.#tally.between(fromMs, toMs);
  }

  /** The reason for the end of the connection; `undefined` while it lasts. */
  get failure(): string | undefined {
    return this.#failure?.message;
  }

  async normal(fromMs: number, limitMs: number, timeoutMs: number): Promise<number> {
    const at = () => this.#tally.normalAt(fromMs, limitMs);
    await this.#waitFor(() => at() !== undefined, timeoutMs);
    return at() ?? Number.POSITIVE_INFINITY;
  }

  async #waitFor(isDone: () => boolean, timeoutMs: number): Promise<void> {
    const endsAt = now() + timeoutMs;
    while (!isDone() && this.#failure === undefined && now() < endsAt) await pause(pollMs);
  }
}

/**
 * The tasks of a bystander's process. All times are those of {@link now}.
 *
 * The process has a high priority if the system allows it, so that a late echo is late because of the server.
 */
export function bystanderTasks<Name extends string>(protocols: Readonly<Record<Name, ClientProtocol>>) {
  let bystander: Bystander | undefined;
  const current = () => {
    if (bystander === undefined) throw new Error("Call join() first.");
    return bystander;
  };
  return {
    /** Connects. @param rooms see {@link ClientProtocol} @param room the number of the room */
    async join(port: number, protocol: Name, rooms: string, room: number): Promise<void> {
      raisePriority();
      bystander = new Bystander(await Connection.open(port, protocols[protocol], rooms), room);
    },
    /** Forgets the messages so far, and begins to send. */
    start: () => current().start(),
    /** Stops sending, and waits until all echoes have arrived. */
    stop: (mostMs = graceMs) => current().stop(mostMs),
    failure: () => current().failure,
    figures: (fromMs = 0, toMs = Number.POSITIVE_INFINITY) => current().figures(fromMs, toMs),
    /**
     * Waits until the latency is at most `limitMs`, but not longer than `timeoutMs`.
     *
     * @returns the time since `fromMs`, in milliseconds; infinity if the latency has stayed above the limit
     */
    normal: (fromMs: number, limitMs: number, timeoutMs: number) =>
      current().normal(fromMs, limitMs, timeoutMs),
  };
}

function raisePriority(): void {
  try {
    setPriority(priority);
  } catch {
    // Only a privileged user may raise the priority.
  }
}
