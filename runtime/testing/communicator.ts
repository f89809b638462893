import { type Actor, type AnyActor, toPromise } from "xstate";
import { CloseCode, type connectionMachine, type Frame } from "../../actors/index.ts";
import { jsonText } from "../../actors/json-text.ts";
import { ConsumerActor } from "../actor/actor.ts";
import { Deadline } from "../deadline.ts";
import { internals } from "../internals.ts";
import { type Admitted, isRefusal, shuttingDown } from "../upgrade/admission.ts";
import { type Answer, type ClientClosed, ClientTransport } from "./client-transport.ts";
import { ExpectationError } from "./expectation-error.ts";
import { settle, type TestedRuntime } from "./settle.ts";
import { pause, type WaitOptions, waitFor } from "./wait-for.ts";

export interface ReceiveNothingOptions extends WaitOptions {
  /**
   * How long to wait for a frame once the runtime is settled, in milliseconds of the real clock. Required if
   * a layer, such as a Redis layer, does not count its messages in flight.
   * @default 0
   */
  readonly forMs?: number;
}

export interface CommunicatorOptions {
  readonly runtime: TestedRuntime;
  readonly subprotocols: readonly string[];
  admit(): Admitted | Promise<Admitted>;
  /** Whether the communicator closes the runtime when it disconnects. */
  readonly ownsRuntime: boolean;
}

/**
 * A client of one connection, without a network or a port, created by `communicate` or `communicateWith`.
 *
 * If an expectation is not met within its timeout, the call rejects with {@link ExpectationError}, but the
 * actor keeps running. A frame that arrives later is returned by the next `receive`. Timeouts are in real
 * time. Only one `receive` may wait at a time.
 */
export class Communicator {
  readonly #options: CommunicatorOptions;
  readonly #transport: ClientTransport;
  #actor: ConsumerActor | undefined;
  #answer: Promise<Answer> | undefined;
  #ended: ClientClosed | undefined;

  /** @internal */
  constructor(options: CommunicatorOptions) {
    this.#options = options;
    const { counters } = options.runtime[internals].context;
    this.#transport = new ClientTransport(counters, options.subprotocols);
    void this.closed.then((closed) => {
      this.#ended = closed;
    });
  }

  /** Resolves when the connection has ended. If it was not accepted, the code is 1006. Never rejects. */
  get closed(): Promise<ClientClosed> {
    return this.#transport.closed;
  }

  /** The actor's address on its layer. @throws {ExpectationError} if no actor runs yet. */
  get channel(): string {
    return this.#running.groups.channel;
  }

  /** The connection's machine, for XState's `waitFor`. @throws {ExpectationError} if no actor runs yet. */
  get machine(): Actor<typeof connectionMachine> {
    return this.#running.machine;
  }

  /** The actor of a {@link machineConsumer}'s machine. @throws {ExpectationError} if no actor runs yet. */
  get machineActor(): AnyActor | undefined {
    return this.#running.machineActor;
  }

  /** The runtime that the caller passed, or that the client created. */
  get runtime(): TestedRuntime {
    return this.#options.runtime;
  }

  /**
   * Connects, and waits for the answer of the guards and the consumer. A second call returns the same answer.
   *
   * @throws {ExpectationError} if no answer arrives within `timeoutMs`, or if the client disconnects first.
   *   After a timeout, the answer may still arrive.
   * @throws {ExpectationError} if the client offers subprotocols and the consumer accepts without one.
   *   Browsers end such a connection, and so does this client.
   */
  connect(options: WaitOptions = {}): Promise<Answer> {
    this.#answer ??= this.#connect();
    const answer = waitFor(
      this.#answer,
      options,
      (ms) => `The connection was neither accepted nor rejected within ${ms} ms.`,
    );
    // A spec that does not await the answer must not cause an unhandled rejection.
    answer.catch(() => {});
    return answer;
  }

  /**
   * Sends the consumer a frame. If the connection has ended, the frame is dropped and counted as `closing`.
   *
   * @throws {ExpectationError} if no actor runs yet.
   */
  send(frame: Frame): void {
    this.#running.receive(frame);
  }

  /** Sends the consumer `value` as a JSON text frame. @throws {TypeError} if JSON cannot hold it. */
  sendJson(value: unknown): void {
    this.send(jsonText(value));
  }

  /**
   * Returns the next frame. Frames keep the order in which the consumer sent them.
   *
   * @throws {ExpectationError} if no frame arrives in time, or if none is left and the connection has closed.
   */
  async receive(options: WaitOptions = {}): Promise<Frame> {
    const { arrivals } = this.#transport;
    await waitFor(arrivals.whenReady(), options, (ms) => `No frame arrived within ${ms} ms (${arrivals}).`);
    const frame = arrivals.shift();
    if (frame !== undefined) return frame;
    const { code, reason } = await this.closed;
    throw new ExpectationError(
      `No more frames arrive: the connection closed with ${code} ${JSON.stringify(reason)} (${arrivals}).`,
    );
  }

  /** The next frame's value. @throws {ExpectationError} as `receive` does, or if the frame is not JSON. */
  async receiveJson(options: WaitOptions = {}): Promise<unknown> {
    const frame = await this.receive(options);
    if (typeof frame !== "string")
      throw new ExpectationError(
        `Expected a text frame with JSON, but received a binary frame of ${frame.byteLength} bytes.`,
      );
    try {
      return JSON.parse(frame);
    } catch (cause) {
      throw new ExpectationError(
        `Expected a text frame with JSON, but received other text: ${JSON.stringify(frame)}.`,
        { cause },
      );
    }
  }

  /**
   * Waits until the runtime is settled (see {@link settle}), and checks that there is no unread frame. If
   * all layers are memory layers, the check is exact. Later calls of `receive` still return unread frames.
   *
   * @throws {ExpectationError} if there are unread frames; if actors are still busy after `timeoutMs` (the
   *   message lists them); or if `forMs` is missing and a layer does not count its messages in flight.
   */
  async receiveNothing({ forMs = 0, ...options }: ReceiveNothingOptions = {}): Promise<void> {
    const { layers } = this.runtime[internals].context;
    const opaque = Object.keys(layers).filter((alias) => layers[alias]?.inFlight === undefined);
    if (opaque.length > 0 && forMs === 0) {
      throw new ExpectationError(
        `The layer "${opaque[0]}" does not count its messages in flight: ` +
          "send a last message and receive it, or pass the time to wait with receiveNothing({ forMs }).",
      );
    }
    await this.settle(options);
    if (forMs > 0) await pause(forMs);
    const { arrivals } = this.#transport;
    if (arrivals.size > 0)
      throw new ExpectationError(`Expected no more frames, but some arrived (${arrivals}).`);
  }

  /** Waits until the runtime is settled: see `settle`. @throws {ExpectationError} as `settle` does. */
  settle(options: WaitOptions = {}): Promise<void> {
    return settle(this.runtime, options);
  }

  /**
   * Closes the connection as a client does. The code 1006 stands for a client that vanishes without a close
   * frame. Resolves once the consumer's `disconnect` has run and the actor has stopped. If `communicate`
   * created the runtime, the runtime closes, too. May be called without `connect`, and may be called twice.
   *
   * @throws {ExpectationError} if the actor does not stop in time. The actor still stops later.
   */
  async disconnect(code: number = CloseCode.normal, options: WaitOptions = {}): Promise<void> {
    this.#transport.leave(code, "");
    const stopped = this.#actor && toPromise(this.#actor.machine).catch(() => {});
    await waitFor(Promise.resolve(stopped), options, (ms) => `The actor had not stopped after ${ms} ms.`);
    if (this.#options.ownsRuntime) await this.runtime.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disconnect();
  }

  get #running(): ConsumerActor {
    if (this.#actor !== undefined) return this.#actor;
    throw new ExpectationError(
      this.#ended === undefined
        ? "No actor runs yet: await connect() first."
        : "No actor runs: the connection was refused.",
    );
  }

  async #connect(): Promise<Answer> {
    const { context, admission } = this.runtime[internals];
    const deadline = new Deadline(context.clock, context.limits.connectTimeoutMs);
    deadline.onPassed = () => this.#transport.refuse({ status: 503, reason: "Connecting took too long" });
    const admitted = admission.draining ? shuttingDown : await this.#options.admit();
    if (isRefusal(admitted)) this.#transport.reject(admitted);
    if (isRefusal(admitted) || this.#ended !== undefined) {
      deadline.cancel();
    } else {
      const { route, scope } = admitted;
      this.#actor = new ConsumerActor(context, route.Consumer, scope, this.#transport);
      // If the start fails, the actor itself reports the failure and answers the upgrade.
      this.#actor.start(deadline).catch(() => {});
    }
    return this.#transport.answered;
  }
}
