import { CloseCode, type Frame } from "../../actors/index.ts";
import type { Counters } from "../counters.ts";
import { Outgoing } from "./outgoing.ts";
import type { Transport, TransportListener } from "./transport.ts";

/** The way to nowhere of an actor spawned without a socket: what it sends can be read from {@link outgoing}. */
export class VirtualTransport implements Transport {
  readonly waitingBytes = 0;
  listener: TransportListener | undefined;
  /** Called when it has ended, before its listener is told. */
  onEnded: (() => void) | undefined;
  readonly #counters: Counters;
  #outgoing: Outgoing | undefined;
  #ended = false;

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  get outgoing(): Outgoing {
    if (this.#outgoing === undefined) {
      this.#outgoing = new Outgoing(() => this.#counters.drop("unread"));
      if (this.#ended) this.#outgoing.end();
    }
    return this.#outgoing;
  }

  accept(): void {}

  reject(): void {
    this.#end();
  }

  send(frame: Frame): void {
    this.outgoing.put(frame);
  }

  close(): void {
    this.#end();
  }

  terminate(): void {
    this.leave(CloseCode.abnormal);
  }

  /** Ends it as a client does that closes. */
  leave(code: number): void {
    if (!this.#ended) this.listener?.lost(code, "");
    this.#end();
  }

  // Whoever gives it frames has them taken, as long as there is memory: there is no socket to pause.
  pause(): void {}
  resume(): void {}

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#outgoing?.end();
    this.onEnded?.();
    this.listener?.ended();
  }
}
