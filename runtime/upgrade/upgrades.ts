import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { type ServerOptions, WebSocketServer } from "ws";
import { ConsumerActor } from "../actor/actor.ts";
import { isPromise } from "../async-error-owner.ts";
import type { Deadline } from "../deadline.ts";
import { UpgradeConflictError } from "../errors.ts";
import type { EventRefusal } from "../events/event-publisher.ts";
import { isOriginRefusal } from "../guards/guards.ts";
import { headerFields, type Refusal, refuseUpgrade, surviveErrors } from "../http-response.ts";
import { notFound } from "../routes/router.ts";
import type { RuntimeContext } from "../runtime-context.ts";
import { refuseInside } from "../session/refuse-inside.ts";
import { Handshake } from "../socket/handshake.ts";
import { SocketTransport, TransportWebSocket } from "../socket/socket-transport.ts";
import { truncate } from "../truncate.ts";
import { type Admission, type Admitted, isRefusal, tookTooLong } from "./admission.ts";
import { handshakeOf, type UpgradeRequest } from "./answered.ts";
import { deferUpgrade } from "./deferred-upgrade.ts";
import { leaveUpgrade } from "./left-upgrade.ts";
import { type OfferedProtocols, offeredProtocols } from "./offered-protocols.ts";
import { targetOf } from "./request-scope.ts";
import { openSession, resumeSession, sessionSocket } from "./session-upgrade.ts";
import { UpgradeQueue } from "./upgrade-queue.ts";

/**
 * The limit of unparsed chunks, each with the bytes of one read. A chunk takes about 250 bytes of memory, so
 * a client that sends single bytes must not fill a large frame with them. On a slow network, a chunk has
 * about 1 KiB.
 */
const maxBufferedChunks = (maxPayload: number): number => Math.max(1_024, Math.ceil(maxPayload / 128));

/** The refusal of a request that ws has answered, mostly with 400, because its handshake is malformed. */
const notWellFormed = { reason: "The handshake is malformed", cause: "protocol" } as const;

/** An upgrade that is not answered yet. */
interface Upgrade {
  readonly request: IncomingMessage;
  readonly handshake: Handshake;
  readonly protocols: OfferedProtocols;
  readonly deadline: Deadline;
}

/** Answers upgrade requests, and starts an actor for each request that is admitted. */
export class Upgrades {
  readonly #context: RuntimeContext;
  readonly #admission: Admission;
  /** The upgrades with a pending guard, and their deadlines. */
  readonly #guarded = new Map<Handshake, Deadline>();
  readonly #queue: UpgradeQueue;
  readonly #server: WebSocketServer;
  #hasReportedConflict = false;

  constructor(
    context: RuntimeContext,
    admission: Admission,
    perMessageDeflate: ServerOptions["perMessageDeflate"],
  ) {
    this.#context = context;
    this.#admission = admission;
    this.#queue = new UpgradeQueue(context, (handshake, refusal) => this.#refuse(handshake, refusal));
    // An object literal as the argument would not compile, because the types of ws lack some of the options.
    const options = {
      closeTimeout: context.limits.closeTimeoutMs,
      noServer: true,
      WebSocket: TransportWebSocket,
      clientTracking: false,
      // ws would cut a client whose pings it cannot answer quickly. `answerPing` answers them instead.
      autoPong: false,
      perMessageDeflate,
      maxPayload: context.limits.maxPayload,
      maxFragments: context.limits.maxFragments,
      maxBufferedChunks: maxBufferedChunks(context.limits.maxPayload),
      // ws calls this for a well-formed handshake, and continues when `answer` is called.
      verifyClient: ({ req }: { req: UpgradeRequest }, answer) => {
        const handshake = req[handshakeOf];
        if (handshake) handshake.complete = () => answer(true);
      },
      handleProtocols: (_, request: UpgradeRequest) => request[handshakeOf]?.options.subprotocol ?? false,
    } satisfies ServerOptions & {
      closeTimeout: number;
      maxFragments: number;
      maxBufferedChunks: number;
    };
    this.#server = new WebSocketServer(options);
    this.#server.on("headers", (lines, request: UpgradeRequest) => {
      const { headers = {} } = request[handshakeOf]?.options ?? {};
      for (const [name, value] of headerFields(headers)) lines.push(`${name}: ${value}`);
    });
  }

  get isClosing(): boolean {
    return this.#admission.draining;
  }

  serves(request: IncomingMessage): boolean {
    return this.#admission.serves(request);
  }

  /** Accepts or refuses an upgrade. Does nothing if a runtime has already handled the upgrade. */
  handle(request: UpgradeRequest, socket: Duplex, head: Buffer): void {
    if (request[handshakeOf] !== undefined || socket.writableEnded) return;
    const past = this.#context.connectionLimits.addUpgrade(request, socket);
    if (past !== undefined) {
      // No event: the event of the limit tells of many refusals at once.
      this.#context.counters.refuse(past);
      refuseUnseen(socket, past);
      return;
    }
    const protocols = offeredProtocols(request);
    const found = this.#admission.find(request, protocols);
    if (isRefusal(found) && (found === notFound || !protocols.hasSessions)) {
      this.#onRefused(request, found);
      refuseUnseen(socket, found);
      return;
    }
    const handshake = new Handshake(socket, () => this.#reportConflict(request));
    handshake.hasSessions = protocols.hasSessions;
    handshake.request = request;
    request[handshakeOf] = handshake;
    this.#server.handleUpgrade(request, socket, head, (websocket) => {
      handshake.websocket = websocket;
    });
    if (handshake.complete) {
      this.#context.scheduler.flushes.add(handshake);
      this.#queue.add(handshake, (deadline) =>
        this.#admit(found, { request, handshake, protocols, deadline }),
      );
    } else this.#onRefused(request, notWellFormed);
  }

  /**
   * Leaves an upgrade to the other listeners of the server, and frees the socket if none of them answers.
   * @param written the result of `bytesWritten` before the listeners were called.
   */
  leave(request: UpgradeRequest, socket: Duplex, written: number): void {
    if (request[handshakeOf] === undefined) leaveUpgrade(request, socket, written, this.#context);
  }

  /** Calls `proceed` after the `earlier` response of the connection: see {@link deferUpgrade}. */
  defer(request: UpgradeRequest, socket: Duplex, earlier: ServerResponse, proceed: () => void): void {
    deferUpgrade(request, socket, earlier, proceed, this.#context);
  }

  /** Reports that another listener has answered an upgrade to a path with a route. */
  onOtherAnswer(request: UpgradeRequest): void {
    if (request[handshakeOf] === undefined) this.#reportConflict(request);
  }

  /** Refuses the upgrades that wait in the queue or for a guard, and the clients that have not named their session. */
  refuseAll(refusal: Refusal): void {
    this.#queue.refuseAll(refusal);
    for (const request of this.#context.sessions.requests) request.refuse(refusal);
    for (const [handshake, deadline] of this.#guarded) {
      deadline.cancel();
      this.#refuse(handshake, refusal);
    }
  }

  #admit(found: Admitted, upgrade: Upgrade): void {
    const { request, handshake, deadline } = upgrade;
    // The connection begins before its guards, which check whether the client is signed in.
    const beganAfter = this.#context.cluster.tags.disconnects;
    const admitted = isRefusal(found) ? found : this.#admission.guard(found, request);
    if (!isPromise(admitted)) {
      this.#start(admitted, upgrade, beganAfter);
      return;
    }
    deadline.onPassed = () => {
      // A guard that never settles must not keep its request in memory.
      this.#guarded.delete(handshake);
      this.#refuse(handshake, tookTooLong);
    };
    this.#guarded.set(handshake, deadline);
    void admitted.then((outcome) => {
      this.#guarded.delete(handshake);
      this.#start(outcome, upgrade, beganAfter);
    });
  }

  #start(admitted: Admitted, { handshake, protocols, deadline }: Upgrade, beganAfter: number): void {
    if (isRefusal(admitted)) this.#refuse(handshake, admitted);
    if (isRefusal(admitted) || handshake.isSettled) {
      deadline.cancel();
      return;
    }
    const { route, scope, grants } = admitted;
    const settings = this.#context.settings.of(route.Consumer);
    if (protocols.isResuming) {
      resumeSession(this.#context, admitted, handshake, settings, deadline);
      return;
    }
    const transport = protocols.hasSessions
      ? openSession(this.#context, admitted, handshake, protocols)
      : new SocketTransport(handshake, scope.subprotocols, settings, this.#context);
    const actor = new ConsumerActor(this.#context, route.Consumer, scope, transport, undefined, beganAfter);
    if (grants !== undefined) actor.admit(grants, scope);
    void actor.start(deadline);
  }

  #refuse(handshake: Handshake, refusal: Refusal): void {
    if (handshake.isSettled) return;
    if (handshake.hasSessions && !isOriginRefusal(refusal)) {
      refuseInside(sessionSocket(handshake, this.#context), refusal);
      this.#onRefused(handshake.request, refusal);
    } else if (handshake.refuse(refusal)) this.#onRefused(handshake.request, refusal);
  }

  #onRefused(request: IncomingMessage | undefined, refusal: EventRefusal & Pick<Refusal, "cause">): void {
    const { clientAddresses, counters, events } = this.#context;
    counters.refuse({ status: 400, ...refusal });
    if (request === undefined) return;
    events.refused(refusal, {
      path: targetOf(request).path,
      clientAddress: clientAddresses.addressOf(request),
    });
  }

  #reportConflict(request: IncomingMessage): void {
    if (this.#hasReportedConflict) return;
    this.#hasReportedConflict = true;
    const path = truncate(targetOf(request).path, 200);
    this.#context.report(new UpgradeConflictError(path), { stage: "upgrade", path });
  }
}

/** Refuses an upgrade that ws does not see. For all others, ws adds a listener for the socket's errors. */
function refuseUnseen(socket: Duplex, refusal: Refusal): void {
  surviveErrors(socket);
  refuseUpgrade(socket, refusal);
}
