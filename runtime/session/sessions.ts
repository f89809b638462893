import { randomBytes } from "node:crypto";
import type { Scope } from "../../actors/index.ts";
import type { Clock } from "../../layers/clock.ts";
import { CloseCode, refusalCode } from "../../protocol/close-codes.ts";
import { controlText } from "../../protocol/control-frames.ts";
import type { SessionSettings } from "../consumer-settings.ts";
import type { Counters } from "../counters.ts";
import { ExpiryQueue } from "../expiry-queue.ts";
import type { Refusal } from "../http-response.ts";
import type { Limits } from "../limits/limits.ts";
import type { Grant } from "../sign-in/grant.ts";
import { LoggedFrames } from "./logged-frames.ts";
import type { RecoveryContext } from "./recovery.ts";
import type { SessionLog } from "./session-log.ts";
import type { SessionSocket } from "./session-socket.ts";
import { Tickets } from "./tickets.ts";

export interface SessionIdentity {
  /** `<node>.<256 random bits>` */
  readonly id: string;
  readonly path: string;
  /** Identifies the user. Only a client with the same key may resume the session. */
  readonly userKey: string;
  /** Undefined if the consumer refuses sessions. Then the loss of the socket ends the connection. */
  readonly settings: SessionSettings | undefined;
}

/** A session, as the registry sees it. */
export interface KnownSession {
  readonly identity: SessionIdentity;
  /** The frames for the client that it has not acknowledged. */
  readonly log: SessionLog;
  /** Ends a session that is away. */
  expire(reason: string): void;
  /** Ends a session whose client breaks the rules. */
  expel(code: number, reason: string): void;
  /** Continues the session on another socket. @param got the number of frames that the client has received */
  attach(socket: SessionSocket, attempt: number, got: unknown, client: ReturningClient): void;
}

/** A client's request to continue its session. The fields are not checked. */
export interface Resume {
  readonly session?: unknown;
  readonly try?: unknown;
  readonly got?: unknown;
}

/** The client that sends a {@link Resume}, as its guards have found it. */
export interface ReturningClient {
  readonly scope: Scope;
  readonly userKey: string | undefined;
  readonly grants: readonly Grant[] | undefined;
}

type SessionLimits = Pick<Limits, "maxAwaySessions" | "maxSessionBytes">;

/** Bytes of randomness in the id of a session. */
const secretBytes = 32;

/** The sessions of a node, and the bounds of what they keep. */
export class Sessions {
  readonly frames = new LoggedFrames();
  /** The clients that come back and have not named their session yet. */
  readonly requests = new Set<{ refuse(refusal: Refusal): void }>();
  readonly counters: Counters;
  readonly recoveries: RecoveryContext;
  readonly #node: () => string;
  readonly #limits: SessionLimits;
  /** The sessions that a client may name, by id. A session that is over stays until it expires. */
  readonly #known = new Map<string, KnownSession>();
  /** The sessions that are away, in the order in which they lost their sockets. */
  readonly #away = new Set<KnownSession>();
  /** The sessions that are over, in the order of their ends. */
  readonly #over = new Set<KnownSession>();
  readonly #expiries: ExpiryQueue<KnownSession>;

  /** @param node returns the id of this node, which begins the ids of its sessions. */
  constructor(node: () => string, limits: SessionLimits, clock: Clock, counters: Counters) {
    this.#node = node;
    this.#limits = limits;
    this.counters = counters;
    this.recoveries = {
      clock,
      tickets: new Tickets(clock),
      renewals: new ExpiryQueue(clock, (recovery) => recovery.renew()),
    };
    this.#expiries = new ExpiryQueue(clock, (session) => this.#onExpired(session));
  }

  /** The number of sessions that a client may name. */
  get size(): number {
    return this.#known.size;
  }

  /** The number of sessions whose client is away. */
  get awayCount(): number {
    return this.#away.size;
  }

  newId(): string {
    return `${this.#node()}.${randomBytes(secretBytes).toString("base64url")}`;
  }

  add(session: KnownSession): void {
    this.#known.set(session.identity.id, session);
  }

  /** Called when a session has lost its socket. */
  away(session: KnownSession): void {
    this.#away.add(session);
    this.#expiries.add(session, resumeMsOf(session));
    if (this.#away.size > this.#limits.maxAwaySessions) this.#evict();
  }

  /** Called when a session has got another socket. */
  back(session: KnownSession): void {
    this.counters.resume();
    this.#isNoLongerAway(session);
  }

  /** Called when the connection of a session ends. @param lastWords take its place for `resumeMs`. */
  end(session: KnownSession, lastWords: KnownSession): void {
    const { id } = session.identity;
    if (this.#known.get(id) !== session) return;
    this.#isNoLongerAway(session);
    this.#known.set(id, lastWords);
    this.#over.add(lastWords);
    this.#expiries.add(lastWords, resumeMsOf(lastWords));
    if (this.#over.size > this.#limits.maxAwaySessions) this.#forgetOldest();
  }

  /** Called when the client needs nothing more of a session. */
  forget(session: KnownSession): void {
    const { id } = session.identity;
    if (this.#known.get(id) !== session) return;
    this.#known.delete(id);
    this.#isNoLongerAway(session);
    if (this.#over.delete(session)) this.#expiries.remove(session, resumeMsOf(session));
    session.log.clear();
  }

  /** Keeps the frames of all logs within `maxSessionBytes`, after `sender` has added a frame. */
  checkBytes(sender: KnownSession): void {
    const { maxSessionBytes } = this.#limits;
    while (this.frames.bytes > maxSessionBytes) {
      if (!this.#evict() && !this.#forgetOldest() && !sender.log.dropOldest()) return;
    }
  }

  /** Continues a session on `socket`, or tells the client why that is impossible. */
  resume(socket: SessionSocket, request: Resume, client: ReturningClient): void {
    const { scope, userKey } = client;
    const attempt = request.try;
    if (typeof request.session !== "string" || !Number.isSafeInteger(attempt) || (attempt as number) < 1) {
      socket.transport.close(CloseCode.protocolError, "Malformed resume");
      return;
    }
    const session = this.#known.get(request.session);
    // The answers are the same, so nothing tells whether a session exists on another path.
    if (session === undefined || session.identity.path !== scope.path) this.#refuse(socket);
    else if (session.identity.userKey !== userKey) this.#onStranger(session, socket);
    else session.attach(socket, attempt as number, request.got, client);
  }

  #refuse(socket: SessionSocket): void {
    const reason = "The session has ended, or was on another node";
    socket.transport.writeControl(controlText({ c: "gone", code: CloseCode.gone, reason }));
    socket.transport.close(CloseCode.gone, reason);
  }

  /** The session ends, because another user knows its secret. */
  #onStranger(session: KnownSession, socket: SessionSocket): void {
    const code = refusalCode + 403;
    const reason = "The session belongs to another user";
    socket.transport.writeControl(controlText({ c: "bye", code, reason, after: null }));
    socket.transport.close(code, reason);
    session.expel(CloseCode.policy, reason);
    const lastWords = this.#known.get(session.identity.id);
    if (lastWords !== undefined) this.forget(lastWords);
  }

  #onExpired(session: KnownSession): void {
    if (this.#over.has(session)) this.#forgetUnread(session);
    else session.expire("The client did not come back in time");
  }

  /** Forgets the last words of a session, which its client has not acknowledged. */
  #forgetUnread(session: KnownSession): void {
    this.counters.drop("away", session.log.size);
    this.forget(session);
  }

  /** Ends the session that is away for longest. @returns whether there was one. */
  #evict(): boolean {
    for (const oldest of this.#away) {
      oldest.expire("The node had no room for more sessions that are away");
      return true;
    }
    return false;
  }

  #forgetOldest(): boolean {
    for (const oldest of this.#over) {
      this.#forgetUnread(oldest);
      return true;
    }
    return false;
  }

  #isNoLongerAway(session: KnownSession): void {
    if (this.#away.delete(session)) this.#expiries.remove(session, resumeMsOf(session));
  }
}

const resumeMsOf = ({ identity }: KnownSession): number => identity.settings?.resumeMs ?? 0;
