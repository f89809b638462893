import type { RuntimeContext } from "../runtime-context.ts";
import type { Watched } from "./progress-watch.ts";
import type { TransportListener } from "./transport.ts";

export interface MessageSource {
  /** Whether the client has sent a part of a message that is not complete. False on a closing connection. */
  readonly hasUnfinishedMessage: boolean;
  /** Whether the runtime does not read the client's bytes at the moment. */
  readonly isPaused: boolean;
  /** Number of bytes that the runtime has read from the client. */
  readonly bytesRead: number;
}

type UnfinishedMessageContext = Pick<RuntimeContext, "counters" | "limits" | "progressWatch">;

/** A client that sends this many bytes of a message makes progress. With 30 s, this is 546 bytes per second. */
const minBytes = 16 * 1024;

/**
 * Watches a client that has not finished its message. Counts the client's bytes and not the time of the whole
 * message, because a slow client may need many minutes for a large message.
 */
export class UnfinishedMessage implements Watched {
  readonly #source: MessageSource;
  readonly #listener: TransportListener;
  readonly #context: UnfinishedMessageContext;
  /** The source's `bytesRead` at the client's last progress. */
  #bytesRead = 0;
  /** Whether the client has finished a message since its last progress. */
  #hasFinished = false;

  constructor(source: MessageSource, listener: TransportListener, context: UnfinishedMessageContext) {
    this.#source = source;
    this.#listener = listener;
    this.#context = context;
  }

  /** Watches the client until its message is finished. Does nothing if the client is already watched. */
  watch(): void {
    this.#context.progressWatch.add(this);
  }

  /** Called when the client has finished a message. The next message may have begun in the same read. */
  finished(): void {
    this.#hasFinished = true;
  }

  end(): void {
    this.#context.progressWatch.remove(this);
  }

  get isWaiting(): boolean {
    return this.#source.hasUnfinishedMessage;
  }

  get maxStallMs(): number {
    return this.#context.limits.messageTimeoutMs;
  }

  get hasProgressed(): boolean {
    const { isPaused, bytesRead } = this.#source;
    return this.#hasFinished || isPaused || bytesRead - this.#bytesRead >= minBytes;
  }

  noteProgress(): void {
    this.#bytesRead = this.#source.bytesRead;
    this.#hasFinished = false;
  }

  onStall(): void {
    this.#context.counters.drop("unfinished");
    this.#listener.unfinished();
  }
}
