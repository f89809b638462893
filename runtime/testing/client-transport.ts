import { type AcceptOptions, CloseCode, type Frame } from "../../actors/index.ts";
import type { Counters } from "../counters.ts";
import { ConnectionLostError } from "../errors.ts";
import type { Refusal } from "../http-response.ts";
import type { RuntimeContext } from "../runtime-context.ts";
import { checkAccept } from "../socket/handshake.ts";
import type { Transport, TransportListener } from "../socket/transport.ts";
import { Arrivals } from "./arrivals.ts";
import { ExpectationError } from "./expectation-error.ts";
import { type Answer, type ClientClosed, PendingAnswer } from "./pending-answer.ts";
import type { TestClient } from "./test-client.ts";

/** The transport to a client in the same process. Checks `accept` options as `SocketTransport` does. */
export class ClientTransport implements TestClient, Transport {
  readonly waitingBytes = 0;
  listener: TransportListener | undefined;
  readonly arrivals = new Arrivals();
  readonly #counters: Counters;
  readonly #offered: readonly string[];
  readonly #pending = new PendingAnswer();
  #ended = false;

  constructor(
    { counters }: Pick<RuntimeContext, "counters">,
    { subprotocols }: { readonly subprotocols: readonly string[] },
  ) {
    this.#counters = counters;
    this.#offered = subprotocols;
  }

  /**
   * Rejects with an {@link ExpectationError} if the connection ends before the upgrade is answered, or if the
   * answer is one that browsers do not take.
   */
  get answered(): Promise<Answer> {
    return this.#pending.answered;
  }

  get closed(): Promise<ClientClosed> {
    return this.#pending.closed;
  }

  open(): this {
    return this;
  }

  accept(options: AcceptOptions): boolean {
    checkAccept(options, this.#offered);
    const { subprotocol, headers = {} } = options;
    const isTaken = subprotocol !== undefined || this.#offered.length === 0;
    if (isTaken) this.#pending.answer({ accepted: true, subprotocol, headers });
    else this.#breakOff();
    return isTaken;
  }

  /** Ends a connection without a subprotocol, as browsers do if they have offered one. */
  #breakOff(): void {
    this.#pending.giveUp(
      new ExpectationError(
        `The client offered the subprotocols ${this.#offered.join(", ")}, but the consumer accepted without one. ` +
          "Browsers end such a connection with 1006: pass one of these to accept({ subprotocol }).",
      ),
    );
    void Promise.resolve().then(() => this.leave(CloseCode.abnormal, ""));
  }

  reject(refusal: Refusal): void {
    this.#counters.refuse(refusal);
    this.refuse(refusal);
  }

  /** Refuses the upgrade, but does not count it as `refused`. */
  refuse({ status, reason, headers = {} }: Refusal): void {
    const hasHeaders = Object.keys(headers).length > 0;
    this.#pending.answer({ accepted: false, status, reason, ...(hasHeaders && { headers }) });
    this.#end({ code: CloseCode.abnormal, reason: "" });
  }

  send(frame: Frame): void {
    this.arrivals.push(frame);
  }

  /** Delivers a frame of the client. */
  deliver(frame: Frame): void {
    this.listener?.receive(frame);
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
    this.#pending.giveUp(new ExpectationError("The connection ended before it was accepted or rejected."));
    this.arrivals.end();
    this.#pending.close(closed);
    this.listener?.ended();
  }
}
