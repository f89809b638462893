import { type Actor, type AnyActor, toPromise } from "xstate";
import { CloseCode, type connectionMachine, type Frame } from "../../actors/index.ts";
import { jsonText } from "../../actors/json-websocket-consumer.ts";
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
   * Milliseconds of the real clock to wait for something after all is settled. Needed where a layer of the runtime cannot
   * tell what is on its way: on Redis.
   * @default 0
   */
  readonly forMs?: number;
}

/** How a client connects. */
export interface ClientEntry {
  readonly runtime: TestedRuntime;
  readonly subprotocols: readonly string[];
  /** Finds out what to run, and whether to. */
  admit(): Admitted | Promise<Admitted>;
  /** Whether the runtime is the communicator's own, and goes with it. */
  readonly ownsRuntime: boolean;
}

/**
 * A client of one connection, without a network or a port: made by `communicate` or `communicateWith`.
 *
 * What is expected in vain fails with an {@link ExpectationError}, on the real clock, and nothing else happens: the actor
 * lives on, and what comes late is there for the next `receive`. One `receive` waits at a time.
 */
export class Communicator {
  readonly #entry: ClientEntry;
  readonly #transport: ClientTransport;
  #actor: ConsumerActor | undefined;
  #answer: Promise<Answer> | undefined;
  #ended: ClientClosed | undefined;

  /** @internal */
  constructor(entry: ClientEntry) {
    this.#entry = entry;
    const { counters } = entry.runtime[internals].context;
    this.#transport = new ClientTransport(counters, entry.subprotocols);
    void this.closed.then((closed) => {
      this.#ended = closed;
    });
  }

  /** How the connection ended, once it has; 1006 where it was not accepted. Never rejects. */
  get closed(): Promise<ClientClosed> {
    return this.#transport.closed;
  }

  /** The actor's address on its layer. @throws {ExpectationError} before it runs. */
  get channel(): string {
    return this.#running.groups.channel;
  }

  /** The machine of the connection: XState's `waitFor` works. @throws {ExpectationError} before it runs. */
  get machine(): Actor<typeof connectionMachine> {
    return this.#running.machine;
  }

  /** The actor of the machine that a {@link machineConsumer} runs. @throws {ExpectationError} before it runs. */
  get machineActor(): AnyActor | undefined {
    return this.#running.machineActor;
  }

  /** The runtime that it runs in: its own, or the one that was given. */
  get runtime(): TestedRuntime {
    return this.#entry.runtime;
  }

  /**
   * Asks to be let in, and waits for the answer: of the guards first, then of the consumer. Called again, it waits for the
   * same answer.
   *
   * @throws {ExpectationError} if nobody has answered in time, who may still do so; or if it disconnects meanwhile.
   */
  connect(options: WaitOptions = {}): Promise<Answer> {
    this.#answer ??= this.#connect();
    const answer = waitFor(this.#answer, options, (ms) => `Nobody accepted or rejected within ${ms} ms.`);
    // A spec may be after something else.
    answer.catch(() => {});
    return answer;
  }

  /** Gives the consumer a frame. After the end it is dropped and counted as `closing`. @throws {ExpectationError} before it runs. */
  send(frame: Frame): void {
    this.#running.receive(frame);
  }

  /** Gives the consumer `value` as a text frame. @throws {TypeError} if JSON cannot hold it. */
  sendJson(value: unknown): void {
    this.send(jsonText(value));
  }

  /**
   * The next frame, in the order sent.
   *
   * @throws {ExpectationError} if none comes in time, or the connection has closed; it says what came before.
   */
  async receive(options: WaitOptions = {}): Promise<Frame> {
    const { arrivals } = this.#transport;
    await waitFor(arrivals.change(), options, (ms) => `No frame came within ${ms} ms (${arrivals}).`);
    const frame = arrivals.shift();
    if (frame !== undefined) return frame;
    const { code, reason } = await this.closed;
    throw new ExpectationError(
      `No frame comes any more: the connection closed with ${code} "${reason}" (${arrivals}).`,
    );
  }

  /**
   * The value of the next frame.
   *
   * @throws {ExpectationError} as {@link receive} does, and if the frame is no JSON.
   */
  async receiveJson(options: WaitOptions = {}): Promise<unknown> {
    const frame = await this.receive(options);
    if (typeof frame !== "string")
      throw new ExpectationError(`Expected JSON, but ${frame.byteLength} bytes came.`);
    try {
      return JSON.parse(frame);
    } catch (cause) {
      throw new ExpectationError(`Expected JSON, but this came: ${JSON.stringify(frame)}.`, { cause });
    }
  }

  /**
   * Makes sure that nothing came that was not received, once all is settled: see {@link settle}. On memory layers that is
   * exact. What did come is still there to be received.
   *
   * @throws {ExpectationError} that shows what came; that names who is still busy after `timeoutMs`; or if a layer cannot
   *   tell what is on its way, and `forMs` is not given.
   */
  async receiveNothing({ forMs = 0, ...options }: ReceiveNothingOptions = {}): Promise<void> {
    const { layers } = this.runtime[internals].context;
    const opaque = Object.keys(layers).filter((alias) => layers[alias]?.inFlight === undefined);
    if (opaque.length > 0 && forMs === 0) {
      throw new ExpectationError(
        `What is on its way on the layer "${opaque[0]}" cannot be known: send a last message and receive that, ` +
          "or say how long to wait, receiveNothing({ forMs }).",
      );
    }
    await this.settle(options);
    if (forMs > 0) await pause(forMs);
    const { arrivals } = this.#transport;
    if (arrivals.size > 0) throw new ExpectationError(`Expected nothing, but something came (${arrivals}).`);
  }

  /** Resolves once the whole runtime is at rest: see `settle`. @throws {ExpectationError} as that does. */
  settle(options: WaitOptions = {}): Promise<void> {
    return settle(this.runtime, options);
  }

  /**
   * Closes as a client does, with 1006 as one that vanishes. Resolves once the actor is gone and `disconnect` has run, and,
   * where the runtime is its own, that is closed, too. May be called twice, and without `connect`.
   *
   * @throws {ExpectationError} if the actor is not gone in time; it still goes.
   */
  async disconnect(code: number = CloseCode.normal, options: WaitOptions = {}): Promise<void> {
    this.#transport.leave(code, "");
    const gone = this.#actor && toPromise(this.#actor.machine).catch(() => {});
    await waitFor(Promise.resolve(gone), options, (ms) => `The actor was not gone after ${ms} ms.`);
    if (this.#entry.ownsRuntime) await this.runtime.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disconnect();
  }

  get #running(): ConsumerActor {
    if (this.#actor !== undefined) return this.#actor;
    throw new ExpectationError(
      this.#ended === undefined
        ? "No actor runs yet: await connect() first."
        : "No actor ever ran: the connection was refused.",
    );
  }

  async #connect(): Promise<Answer> {
    const { context, admission } = this.runtime[internals];
    const deadline = new Deadline(context.clock, context.limits.connectTimeoutMs);
    deadline.onPassed = () => this.#transport.refuse(503, "Connecting took too long");
    const admitted = admission.draining ? shuttingDown : await this.#entry.admit();
    if (isRefusal(admitted)) this.#transport.reject(admitted.status, admitted.reason);
    if (isRefusal(admitted) || this.#ended !== undefined) {
      deadline.cancel();
    } else {
      const { route, scope } = admitted;
      this.#actor = new ConsumerActor(context, route.Consumer, scope, this.#transport);
      // What fails here is answered, and reported.
      this.#actor.start(deadline).catch(() => {});
    }
    return this.#transport.answered;
  }
}
