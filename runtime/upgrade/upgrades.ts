import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type ServerOptions, WebSocketServer } from "ws";
import { ConsumerActor } from "../actor/actor.ts";
import { Deadline } from "../deadline.ts";
import { headerLine, type Refusal, refuseUpgrade, surviveErrors } from "../http-response.ts";
import { isPromise } from "../mailbox/mailbox.ts";
import type { RuntimeContext } from "../runtime-context.ts";
import { Handshake } from "../socket/handshake.ts";
import { SocketTransport } from "../socket/socket-transport.ts";
import { type Admission, type Admitted, type Candidate, isRefusal } from "./admission.ts";
import type { ResolvedCompression } from "./compression.ts";

const pending = Symbol("pending");

/** A request, and what has become of it so far. */
interface UpgradeRequest extends IncomingMessage {
  [pending]?: Handshake;
}

/** Takes upgrades from their first byte to a running connection. */
export class Upgrades {
  readonly #context: RuntimeContext;
  readonly #admission: Admission;
  readonly #guarded = new Map<Handshake, Deadline>();
  readonly #server: WebSocketServer;

  constructor(context: RuntimeContext, admission: Admission, compression: ResolvedCompression) {
    this.#context = context;
    this.#admission = admission;
    // Not written in place, because the types of ws do not know `closeTimeout` yet.
    const options = {
      closeTimeout: context.limits.closeTimeoutMs,
      noServer: true,
      clientTracking: false,
      perMessageDeflate: compression,
      maxPayload: context.limits.maxPayload,
      // ws calls this when the request is a well-formed handshake, and goes on when `answer` is called, however late.
      verifyClient: ({ req }: { req: UpgradeRequest }, answer) => {
        const handshake = req[pending];
        if (handshake) handshake.complete = () => answer(true);
      },
      handleProtocols: (_, request: UpgradeRequest) => request[pending]?.options.subprotocol ?? false,
    } satisfies ServerOptions & { closeTimeout: number };
    this.#server = new WebSocketServer(options);
    this.#server.on("headers", (lines, request: UpgradeRequest) => {
      const added = request[pending]?.options.headers;
      if (added === undefined) return;
      for (const [name, value] of Object.entries(added)) lines.push(headerLine(name, value));
    });
  }

  /** The upgrade's whole way in. */
  handle(request: UpgradeRequest, socket: Duplex, head: Buffer): void {
    const found = this.#admission.find(request);
    if (isRefusal(found)) {
      // Those that ws is given have a listener of its own.
      surviveErrors(socket);
      this.#context.counters.refuse();
      refuseUpgrade(socket, found);
      return;
    }
    const handshake = new Handshake(request, socket);
    request[pending] = handshake;
    this.#server.handleUpgrade(request, socket, head, (websocket) => {
      handshake.websocket = websocket;
    });
    // Otherwise ws has refused it: it is no handshake.
    if (handshake.complete) {
      this.#context.flushScheduler.add(handshake);
      this.#admit(found, handshake);
    } else this.#context.counters.refuse();
  }

  /** Refuses those that guards have not answered for yet. */
  refuseAll(refusal: Refusal): void {
    for (const [handshake, deadline] of this.#guarded) {
      deadline.cancel();
      this.#refuse(handshake, refusal);
    }
  }

  #admit(found: Candidate, handshake: Handshake): void {
    const { clock, limits, flushScheduler } = this.#context;
    // Most have their answer in the turn that they come in.
    const deadline = new Deadline(clock, limits.connectTimeoutMs, flushScheduler);
    const admitted = this.#admission.guard(found, handshake.request);
    if (!isPromise(admitted)) {
      this.#enter(admitted, handshake, deadline);
      return;
    }
    deadline.onPassed = () => {
      // A guard that never settles must not keep its request.
      this.#guarded.delete(handshake);
      this.#refuse(handshake, { status: 503, reason: "Connecting took too long" });
    };
    this.#guarded.set(handshake, deadline);
    void admitted.then((outcome) => {
      this.#guarded.delete(handshake);
      this.#enter(outcome, handshake, deadline);
    });
  }

  #enter(admitted: Admitted, handshake: Handshake, deadline: Deadline): void {
    if (isRefusal(admitted)) this.#refuse(handshake, admitted);
    if (isRefusal(admitted) || handshake.over) {
      deadline.cancel();
      return;
    }
    const { route, scope } = admitted;
    const { outbox } = this.#context.settings.of(route.Consumer);
    const transport = new SocketTransport(handshake, scope.subprotocols, outbox, this.#context);
    const connection = new ConsumerActor(this.#context, route.Consumer, scope, transport);
    void connection.start(deadline);
  }

  #refuse(handshake: Handshake, { status, reason }: Refusal): void {
    if (handshake.over) return;
    this.#context.counters.refuse();
    handshake.refuse(status, reason);
  }
}
