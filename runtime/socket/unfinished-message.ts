import { CloseCode } from "../../actors/index.ts";
import type { BudgetHolder } from "../limits/byte-budget.ts";
import type { RuntimeContext } from "../runtime-context.ts";
import type { Watched } from "./progress-watch.ts";
import type { TransportListener } from "./transport.ts";

export interface MessageSource {
  /** Whether the client has sent a part of a message that is not complete. False on a closing connection. */
  readonly hasUnfinishedMessage: boolean;
  /** Whether the runtime does not read the client's bytes at the moment. */
  readonly isPaused: boolean;
  /** Number of bytes of the unfinished message that have arrived. */
  readonly arrivedBytes: number;
  /** Size of the memory that the unfinished message takes, in bytes. Also on a closing connection. */
  readonly unfinishedBytes: number;
  /** Ends the connection without a closing handshake. */
  terminate(): void;
}

type UnfinishedMessageContext = Pick<
  RuntimeContext,
  "counters" | "limits" | "progressWatch" | "unfinishedBytes"
>;

/** A client that sends this many bytes of a message makes progress. With 30 s, this is 546 bytes per second. */
const minBytes = 16 * 1024;

/**
 * Watches a client that has not finished its message. Counts the bytes of the message and not the time of the whole
 * message, because a slow client may need many minutes for a large message. Other bytes of the client, such as pings,
 * are not progress.
 */
export class UnfinishedMessage implements Watched, BudgetHolder {
  readonly #source: MessageSource;
  readonly #listener: TransportListener;
  readonly #context: UnfinishedMessageContext;
  /** The source's `arrivedBytes` at the client's last progress. */
  #arrivedBytes = 0;
  /** Whether the client has finished a message since its last progress. */
  #hasFinished = false;

  constructor(source: MessageSource, listener: TransportListener, context: UnfinishedMessageContext) {
    this.#source = source;
    this.#listener = listener;
    this.#context = context;
  }

  /** Called after each read that leaves a message unfinished. Watches the client until the message is finished. */
  watch(): void {
    this.#context.progressWatch.add(this);
    this.#context.unfinishedBytes.note(this);
  }

  /** Called after each other read. */
  settle(): void {
    this.#context.unfinishedBytes.note(this, 0);
  }

  /** Called when the client has finished a message. The next message may have begun in the same read. */
  finished(): void {
    this.#hasFinished = true;
  }

  end(): void {
    this.settle();
    this.#context.progressWatch.remove(this);
  }

  get heldBytes(): number {
    return this.#source.unfinishedBytes;
  }

  /** Closes the connection. If it is closing already, cuts it. */
  release(): void {
    if (!this.#source.hasUnfinishedMessage) {
      this.settle();
      this.#source.terminate();
      return;
    }
    this.#context.counters.limit("maxUnfinishedBytes");
    this.#context.counters.drop("unfinished");
    this.#listener.exceeded(CloseCode.policy, "The server has no room for unfinished messages");
  }

  get isWaiting(): boolean {
    return this.#source.hasUnfinishedMessage;
  }

  get maxStallMs(): number {
    return this.#context.limits.messageTimeoutMs;
  }

  get hasProgressed(): boolean {
    const { isPaused, arrivedBytes } = this.#source;
    return this.#hasFinished || isPaused || arrivedBytes - this.#arrivedBytes >= minBytes;
  }

  noteProgress(): void {
    this.#arrivedBytes = this.#source.arrivedBytes;
    this.#hasFinished = false;
  }

  onStall(): void {
    this.#context.counters.drop("unfinished");
    this.#listener.exceeded(CloseCode.policy, "A message took too long to arrive");
  }
}
