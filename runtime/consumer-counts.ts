import { CloseCode, type Exit } from "../actors/close-codes.ts";

/** Counts of all actors of one consumer class since the runtime was created. */
export interface ConsumerCounters {
  /** Frames from clients. The control frames of sessions do not count. */
  readonly framesIn: number;
  /** Bytes from accepted sockets, as they come from the network. */
  readonly bytesIn: number;
  /** Frames for clients that were passed to a socket, or that wait for a slow client. */
  readonly framesOut: number;
  /** The bytes of these frames and of control frames, before compression. */
  readonly bytesOut: number;
  /** Messages that reached the mailboxes, or were dropped there. */
  readonly messagesIn: number;
  /** Messages that the actors have sent to groups, actors and work queues, asks included. */
  readonly messagesOut: number;
  /**
   * The number of accepted connections that have ended, by close code. Codes from 3000 on that only the client chose,
   * and more than 100 codes of the application, count as `other`.
   */
  readonly closed: Readonly<Record<string, number>>;
}

/** Close codes below this value are those of RFC 6455, so there are few of them. */
const firstFreeCode = 3_000;
const ownCodes: ReadonlySet<number> = new Set(Object.values(CloseCode));
const maxCodes = 100;

/** The live counts of one consumer class, of which {@link ConsumerCounters} is a snapshot. */
export class ConsumerCounts {
  framesIn = 0;
  bytesIn = 0;
  framesOut = 0;
  bytesOut = 0;
  messagesIn = 0;
  messagesOut = 0;
  readonly #closed = new Map<string, number>();
  readonly #applicationCodes = new Set<number>();

  /** Counts the end of an accepted connection. */
  close(exit: Pick<Exit, "by" | "code">): void {
    const code = this.#isKnown(exit) ? `${exit.code}` : "other";
    this.#closed.set(code, (this.#closed.get(code) ?? 0) + 1);
  }

  /** A client may close with any code, so its codes must not fill the table. */
  #isKnown({ by, code }: Pick<Exit, "by" | "code">): boolean {
    if (code < firstFreeCode || ownCodes.has(code) || this.#applicationCodes.has(code)) return true;
    if (by === "client" || this.#applicationCodes.size === maxCodes) return false;
    this.#applicationCodes.add(code);
    return true;
  }

  snapshot(): ConsumerCounters {
    const { framesIn, bytesIn, framesOut, bytesOut, messagesIn, messagesOut } = this;
    const closed = Object.fromEntries(this.#closed);
    return { framesIn, bytesIn, framesOut, bytesOut, messagesIn, messagesOut, closed };
  }
}
