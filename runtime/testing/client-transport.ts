import { type AcceptOptions, CloseCode, type Frame, type ResponseHeaders } from "../../actors/index.ts";
import type { Counters } from "../counters.ts";
import { ConnectionLostError } from "../errors.ts";
import type { Refusal } from "../http-response.ts";
import { checkAccept } from "../socket/handshake.ts";
import type { Transport, TransportListener } from "../socket/transport.ts";
import { Arrivals } from "./arrivals.ts";
import { ExpectationError } from "./expectation-error.ts";

/** The answer to an upgrade. */
export type Answer =
  | {
      readonly accepted: true;
      /** The subprotocol that the consumer chose. */
      readonly subprotocol: string | undefined;
      /** The headers that the consumer added. */
      readonly headers: ResponseHeaders;
    }
  | {
      readonly accepted: false;
      readonly status: number;
      readonly reason: string;
      /** The headers that the guard or the consumer added; absent if there are none. */
      readonly headers?: ResponseHeaders;
    };

/** The end of a connection, as its client sees it. */
export interface ClientClosed {
  /** The code of the close frame; 1006 if there was no close frame. */
  readonly code: number;
  readonly reason: string;
}

/** The transport to a client in the same process. Checks `accept` options as `SocketTransport` does. */
export class ClientTransport implements Transport {
  readonly waitingBytes = 0;
  listener: TransportListener | undefined;
  readonly arrivals = new Arrivals();
  /**
   * Rejects with an {@link ExpectationError} if the connection ends before the upgrade is answered, or if the
   * answer is one that browsers do not take.
   */
  readonly answered: Promise<Answer>;
  readonly closed: Promise<ClientClosed>;
  readonly #counters: Counters;
  readonly #offered: readonly string[];
  #answer: (answer: Answer) => void = () => {};
  #giveUp: (error: Error) => void = () => {};
  #close: (closed: ClientClosed) => void = () => {};
  #ended = false;

  constructor(counters: Counters, offered: readonly string[]) {
    this.#counters = counters;
    this.#offered = offered;
    this.answered = new Promise((resolve, reject) => {
      this.#answer = resolve;
      this.#giveUp = reject;
    });
    // A spec that does not await the answer must not cause an unhandled rejection.
    this.answered.catch(() => {});
    this.closed = new Promise((resolve) => {
      this.#close = resolve;
    });
  }

  accept(options: AcceptOptions): boolean {
    checkAccept(options, this.#offered);
    const { subprotocol, headers = {} } = options;
    const isTaken = subprotocol !== undefined || this.#offered.length === 0;
    if (isTaken) this.#answer({ accepted: true, subprotocol, headers });
    else this.#breakOff();
    return isTaken;
  }

  /** Ends a connection without a subprotocol, as browsers do if they have offered one. */
  #breakOff(): void {
    this.#giveUp(
      new ExpectationError(
        `The client offered the subprotocols ${this.#offered.join(", ")}, but the consumer accepted without one. ` +
          "Browsers end such a connection with 1006: pass one of these to accept({ subprotocol }).",
      ),
    );
    void Promise.resolve().then(() => this.leave(CloseCode.abnormal, ""));
  }

  reject(refusal: Refusal): void {
    this.#counters.refuse();
    this.refuse(refusal);
  }

  /** Refuses the upgrade, but does not count it as `refused`. */
  refuse({ status, reason, headers = {} }: Refusal): void {
    const hasHeaders = Object.keys(headers).length > 0;
    this.#answer({ accepted: false, status, reason, ...(hasHeaders && { headers }) });
    this.#end({ code: CloseCode.abnormal, reason: "" });
  }

  send(frame: Frame): void {
    this.arrivals.push(frame);
  }

  /** Each frame arrives at once, so there is always room. */
  drained(): Promise<void> {
    return this.#ended ? Promise.reject(ConnectionLostError.whileSending()) : Promise.resolve();
  }

  close(code: number, reason: string): void {
    this.#end({ code, reason });
  }

  terminate(): void {
    this.leave(CloseCode.abnormal, "");
  }

  leave(code: number, reason: string): void {
    if (!this.#ended) this.listener?.lost(code, reason);
    this.#end({ code, reason });
  }

  // Each frame is delivered synchronously, so there is nothing to pause.
  pause(): void {}
  resume(): void {}

  #end(closed: ClientClosed): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#giveUp(new ExpectationError("The connection ended before it was accepted or rejected."));
    this.arrivals.end();
    this.#close(closed);
    this.listener?.ended();
  }
}
