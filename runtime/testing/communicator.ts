import { type Actor, type AnyActor, toPromise } from "xstate";
import { CloseCode, type connectionMachine, type Frame } from "../../actors/index.ts";
import { jsonText } from "../../actors/json-text.ts";
import { ConsumerActor } from "../actor/actor.ts";
import { Deadline } from "../deadline.ts";
import { internals } from "../internals.ts";
import { type Admitted, isRefusal, shuttingDown } from "../upgrade/admission.ts";
import { ClientTransport } from "./client-transport.ts";
import type { CommunicatorOptions } from "./communicator-options.ts";
import { ExpectationError } from "./expectation-error.ts";
import type { Answer, ClientClosed } from "./pending-answer.ts";
import { nextFrame, parseJson } from "./read-frames.ts";
import type { Resumption } from "./resumption.ts";
import { SessionClient } from "./session-client.ts";
import { settle, type TestedRuntime } from "./settle.ts";
import type { TestClient } from "./test-client.ts";
import { pause, type ReceiveNothingOptions, type WaitOptions, waitFor } from "./wait-for.ts";

/**
 * A client of one connection, without a network or a port, created by `communicate` or `communicateWith`.
 *
 * If an expectation is not met within its timeout, the call rejects with {@link ExpectationError}, but the
 * actor keeps running. A frame that arrives later is returned by the next `receive`. Timeouts are in real
 * time. Only one `receive` may wait at a time.
 */
export class Communicator {
  readonly #options: CommunicatorOptions;
  readonly #client: TestClient;
  #actor: ConsumerActor | undefined;
  #answer: Promise<Answer> | undefined;
  #ended: ClientClosed | undefined;

  /** @internal */
  constructor(options: CommunicatorOptions, client?: SessionClient) {
    this.#options = options;
    const { context } = options.runtime[internals];
    this.#client =
      client ?? (options.hasSession ? new SessionClient(context) : new ClientTransport(context, options));
    void this.closed.then((closed) => {
      this.#ended = closed;
    });
  }

  /** Resolves when the connection has ended. If it was not accepted, the code is 1006. Never rejects. */
  get closed(): Promise<ClientClosed> {
    return this.#client.closed;
  }

  /** The actor's address on its layer. @throws {ExpectationError} if no actor runs yet. */
  get channel(): string {
    return this.#running.groups.channel;
  }

  /** The connection's machine, for XState's `waitFor`. @throws {ExpectationError} if no actor runs yet. */
  get machine(): Actor<typeof connectionMachine> {
    return this.#running.machine;
  }

  /** The actor of the machine of a machine consumer. @throws {ExpectationError} if no actor runs yet. */
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
   * Sends the consumer a frame. If the connection has ended, the frame is dropped and counted as `closing`. While
   * the client is away, the frame waits until it is back.
   *
   * @throws {ExpectationError} if no actor runs yet.
   */
  send(frame: Frame): void {
    this.#checkRuns();
    this.#client.deliver(frame);
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
  receive(options: WaitOptions = {}): Promise<Frame> {
    return nextFrame(this.#client, options);
  }

  /** The next frame's value. @throws {ExpectationError} as `receive` does, or if the frame is not JSON. */
  async receiveJson(options: WaitOptions = {}): Promise<unknown> {
    return parseJson(await this.receive(options));
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
    const { arrivals } = this.#client;
    if (arrivals.size > 0)
      throw new ExpectationError(`Expected no more frames, but some arrived (${arrivals}).`);
  }

  /** Waits until the runtime is settled: see `settle`. @throws {ExpectationError} as `settle` does. */
  settle(options: WaitOptions = {}): Promise<void> {
    return settle(this.runtime, options);
  }

  /**
   * Loses the client's socket, as a blink of the network or a reload of the page does. The actor goes on, in the state
   * `joined.away`, and its frames are kept. If the consumer refuses sessions, the connection ends.
   *
   * @param code the close code that the server sees; 1006 if the socket ends without a close frame
   * @throws {ExpectationError} if the client has no session or is not connected.
   *
   * @example
   * await using client = communicate(RoomChat, { session: true, params: { room_name: "lobby" } });
   * await client.connect();
   * client.blink();
   * await room.groupSend("lobby", { type: "said", text: "hello" }); // while the client is away
   * await client.resume();
   * expect(await client.receiveJson()).to.deep.equal({ text: "hello" });
   */
  blink(code: number = CloseCode.abnormal, reason = ""): void {
    this.#sessionClient("joined").blink(code, reason);
  }

  /**
   * Loses all that the server sends from now on, until the next `blink`, as on a dead line. The server does not notice
   * it. Frames of the client still arrive, but the client does not learn that they have.
   *
   * @throws {ExpectationError} if the client has no session or is not connected.
   *
   * @example
   * client.drop();
   * client.sendJson({ type: "buy", item: 7 }); // the consumer handles it, but its answer is lost
   * await client.settle();
   * client.blink();
   * await client.resume();
   * expect(await client.receiveJson()).to.deep.equal({ type: "bought", item: 7 }); // and it has bought one
   */
  drop(): void {
    this.#sessionClient("joined").drop();
  }

  /**
   * Comes back with another socket. The guards run again. Then the client gets the frames that were kept, and sends
   * again what the server has not taken.
   *
   * @returns the outcome. After a refusal that may pass, such as 503, the client is still away; otherwise a client that
   *   is not let back has closed.
   * @throws {ExpectationError} if the client is not away, or if there is no outcome within `timeoutMs`.
   *
   * @example
   * client.blink();
   * clock.increment(60_000); // resumeMs
   * expect(await client.resume()).to.include({ resumed: false, code: 3993 });
   */
  async resume(options: WaitOptions = {}): Promise<Resumption> {
    const resumption = this.#sessionClient("away").resume(() => this.#admit());
    return waitFor(
      resumption,
      options,
      (ms) => `The session was neither resumed nor refused within ${ms} ms.`,
    );
  }

  /**
   * Resumes the session with a second client that has the memory of this one, as a duplicated tab does. The server
   * closes the socket of this client with 3991, so `closed` of this client resolves. If this client is away, it stays
   * so, and may still call `resume`.
   *
   * @throws {ExpectationError} if the client has no session, or if the second client cannot resume it.
   *
   * @example
   * const second = await client.duplicate();
   * expect(await client.closed).to.include({ code: 3991 });
   * second.sendJson({ text: "hello" });
   */
  async duplicate(options: WaitOptions = {}): Promise<Communicator> {
    const copy = new Communicator(this.#options, this.#sessionClient("joined", "away").copy());
    copy.#actor = this.#actor;
    copy.#answer = this.#answer;
    const resumption = await copy.resume(options);
    if (resumption.resumed) return copy;
    throw new ExpectationError(`The second client was not let in: ${JSON.stringify(resumption)}.`);
  }

  /**
   * The time within which the server wants a new token, in milliseconds. Undefined if the server has not asked, if
   * the client has answered, or after a `resume`.
   *
   * @throws {ExpectationError} if the client has no session.
   */
  get renewInMs(): number | undefined {
    return this.#sessionClient().renewInMs;
  }

  /**
   * Sends a new token, as `greenroom/client` does when the server asks for one. The server ignores a token that it has
   * not asked for. `settle` waits for the `renew` of the guard.
   *
   * @throws {ExpectationError} if the client has no session or is not connected.
   *
   * @example
   * clock.increment(50 * 60_000); // the token is valid for an hour
   * expect(client.renewInMs).to.be.a("number");
   * client.renew(await tokenOf("ada"));
   * await client.settle();
   */
  renew(token: string): void {
    this.#sessionClient("joined").renew(token);
  }

  /**
   * Closes the connection as a client does. The code 1006 stands for a client that vanishes without a close
   * frame. Resolves once the consumer's `disconnect` has run and the actor has stopped. If `communicate`
   * created the runtime, the runtime closes, too. May be called without `connect`, and may be called twice.
   *
   * @throws {ExpectationError} if the actor does not stop in time. The actor still stops later.
   */
  async disconnect(code: number = CloseCode.normal, options: WaitOptions = {}): Promise<void> {
    this.#client.leave(code, "");
    // The actor of a session goes on with the client that has replaced this one.
    const isReplaced = this.#ended?.code === CloseCode.fenced;
    const stopped = isReplaced ? undefined : this.#actor && toPromise(this.#actor.machine).catch(() => {});
    await waitFor(Promise.resolve(stopped), options, (ms) => `The actor had not stopped after ${ms} ms.`);
    if (this.#options.ownsRuntime) await this.runtime.close();
  }

  /** Disconnects, at the end of the block of `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.disconnect();
  }

  get #running(): ConsumerActor {
    this.#checkRuns();
    return this.#actor as ConsumerActor;
  }

  #checkRuns(): void {
    if (this.#actor !== undefined) return;
    throw new ExpectationError(
      this.#ended === undefined
        ? "No actor runs yet: await connect() first."
        : "No actor runs: the connection was refused.",
    );
  }

  /** @throws {ExpectationError} if the client has no session, or is in none of the `states`, if there are any. */
  #sessionClient(...states: readonly SessionClient["state"][]): SessionClient {
    this.#checkRuns();
    const client = this.#client;
    if (!(client instanceof SessionClient))
      throw new ExpectationError("The client has no session: pass { session: true } to communicate.");
    if (states.length > 0 && !states.includes(client.state))
      throw new ExpectationError(`The client is ${client.state}, but has to be ${states.join(" or ")}.`);
    return client;
  }

  #admit(): Admitted | Promise<Admitted> {
    const { draining } = this.runtime[internals].admission;
    return draining ? shuttingDown : this.#options.admit();
  }

  async #connect(): Promise<Answer> {
    const { context } = this.runtime[internals];
    const deadline = new Deadline(context.clock, context.limits.connectTimeoutMs);
    deadline.onPassed = () => this.#client.refuse({ status: 503, reason: "Connecting took too long" });
    // The connection begins before its guards, as one with a socket does.
    const beganAfter = context.cluster.tags.disconnects;
    const admitted = await this.#admit();
    if (isRefusal(admitted)) this.#client.reject(admitted);
    if (isRefusal(admitted) || this.#ended !== undefined) {
      deadline.cancel();
    } else {
      const { route, scope, grants } = admitted;
      const transport = this.#client.open(admitted);
      this.#actor = new ConsumerActor(context, route.Consumer, scope, transport, undefined, beganAfter);
      if (grants !== undefined) this.#actor.admit(grants, scope);
      // If the start fails, the actor itself reports the failure and answers the upgrade.
      this.#actor.start(deadline).catch(() => {});
    }
    return this.#client.answered;
  }
}
