import { CloseCode, comesBack, refusalCode } from "../../../protocol/close-codes.ts";
import { controlText, readControl } from "../../../protocol/control-frames.ts";
import { SessionRecord } from "./judge.ts";
import type { Packet, Socket } from "./network.ts";
import { group, Membership, type Stream } from "./recovery.ts";
import { type Context, limits, ModelSession } from "./session.ts";

const violations: ReadonlySet<number> = new Set([1002, 1003, 1007, 1008, 1009, 1010]);

/** The door of a node and its sessions. `die` makes it the next node. */
export class ModelServer {
  readonly stream: Stream;
  readonly sessions = new Map<string, ModelSession>();
  readonly #sessionOf = new Map<Socket, ModelSession>();
  /** Sockets whose first frame has to be a resume. */
  readonly #resuming = new Set<Socket>();
  /** The close code with which the guards refuse the next upgrade. */
  refusal: number | undefined;
  readonly #context: Context;
  #node = 1;
  #names = 0;

  constructor(context: Context, stream: Stream) {
    this.stream = stream;
    this.#context = context;
  }

  /** The sessions that are not over. */
  get alive(): ModelSession[] {
    return [...this.sessions.values()].filter((session) => session.state !== "over");
  }

  /** Whether the server takes packets off the socket. It never stops for a resume. */
  isReading(socket: Socket): boolean {
    return this.#sessionOf.get(socket)?.isReading ?? true;
  }

  receive(socket: Socket, packet: Packet): void {
    const session = this.#sessionOf.get(socket);
    if (typeof packet !== "string") {
      if ("close" in packet) this.#closed(socket, session, packet.close);
      else if (this.refusal !== undefined) this.#refuse(socket, this.refusal);
      else if (socket.isResume) this.#resuming.add(socket);
      else this.#start(socket);
    } else if (session !== undefined) this.#read(socket, session, packet);
    else if (this.#resuming.delete(socket)) this.#resume(socket, packet);
  }

  #start(socket: Socket): void {
    const { judge, rules } = this.#context;
    const record = new SessionRecord(socket.user);
    const session = new ModelSession(this.#newName(record), record, this.#context);
    this.sessions.set(session.name, session);
    judge.connects(record);
    session.socket = socket;
    this.#sessionOf.set(socket, session);
    if (rules.helloComesFirst) this.#hello(session);
    session.send(`welcome ${session.name}`);
    session.membership = new Membership(session, this.stream, socket.hasTicket, judge);
    if (!rules.helloComesFirst) this.#hello(session);
  }

  #hello(session: ModelSession): void {
    const { rules } = this.#context;
    session.control({
      c: "hello",
      session: session.name,
      resumeMs: 60_000,
      maxBytes: 1_048_576,
      maxPayload: 65_536,
      window: rules.windowBelowMark ? limits.window : limits.wideWindow,
      beatMs: 25_000,
    });
  }

  #newName(record: SessionRecord): string {
    this.#names += 1;
    const name = `${this.#node}.${this.#names}`;
    this.#context.judge.names(name, record);
    return name;
  }

  /** Reads the first frame of a socket that was opened for a resume. */
  #resume(socket: Socket, text: string): void {
    const { session: name, try: attempt, got } = readControl(text) ?? { c: "" };
    const session = this.sessions.get(String(name));
    if (typeof attempt !== "number" || typeof got !== "number") socket.down.close(CloseCode.protocolError);
    else if (session === undefined) this.#gone(socket, undefined, got);
    else this.#resumeSession(socket, session, attempt, got);
  }

  #resumeSession(socket: Socket, session: ModelSession, attempt: number, got: number): void {
    const { rules, judge } = this.#context;
    if (rules.tryMustRise && attempt <= session.attempt) {
      if (!rules.staleResumeClosesItselfOnly) session.giveUp(CloseCode.fenced);
      socket.down.close(CloseCode.stale);
    } else if (session.state === "over" && !session.hasLastWords) this.#gone(socket, session, got);
    else if (rules.userMustBeSame && socket.user !== session.record.user) this.#refuseUser(socket, session);
    else if (rules.impossibleCountsEnd && !session.isPossible(got, session.acknowledged)) {
      socket.down.close(CloseCode.protocolError);
      session.violate();
    } else {
      session.attempt = attempt;
      if (!rules.resumeStartsNoActor) judge.connects(session.record);
      session.socket?.down.close(CloseCode.fenced);
      this.#sessionOf.set(socket, session);
      session.resume(socket, got);
      if (!rules.sessionNameIsConstant) this.#rename(session);
    }
  }

  #rename(session: ModelSession): void {
    this.sessions.delete(session.name);
    session.name = this.#newName(session.record);
    this.sessions.set(session.name, session);
    session.socket?.down.write(`\u0001${JSON.stringify({ c: "renamed", session: session.name })}`);
  }

  #gone(socket: Socket, session: ModelSession | undefined, got: number): void {
    const counts = session ? { missed: session.sent - got, done: session.done } : {};
    socket.down.write(controlText({ c: "gone", code: CloseCode.gone, reason: "", ...counts }));
    socket.down.close(CloseCode.gone);
  }

  /** Refuses inside the socket. The session, if there is one, stays. */
  #refuse(socket: Socket, code: number): void {
    this.refusal = undefined;
    const after = comesBack(code) === "always" ? 100 : null;
    socket.down.write(controlText({ c: "bye", code, reason: "", after }));
    socket.down.close(code);
  }

  #refuseUser(socket: Socket, session: ModelSession): void {
    this.#refuse(socket, refusalCode + 403);
    session.socket?.down.close(CloseCode.fenced);
    session.end({ by: "user" });
  }

  #closed(socket: Socket, session: ModelSession | undefined, code: number): void {
    this.#sessionOf.delete(socket);
    if (session?.socket !== socket) return;
    // The client has echoed the close of the last words.
    if (session.hasLastWords && code !== CloseCode.abnormal && code !== CloseCode.givenUp)
      this.sessions.delete(session.name);
    session.leave();
    if (session.state === "over") return;
    if (violations.has(code)) session.end({ by: "violation" });
    else if (!this.#context.rules.otherEndsAreAway) session.end({ by: "socket" });
  }

  #read(socket: Socket, session: ModelSession, text: string): void {
    const { codec, judge, rules } = this.#context;
    const isAttached = session.socket === socket || !rules.oldSocketIsFenced;
    if (!isAttached || session.state === "over") return;
    judge.check(socket.user === session.record.user, "only the user of a session sends its commands");
    if (codec.isControl(text)) {
      if (!rules.onlyApplicationFramesCount) session.got += 1;
      this.#control(session, readControl(text));
    } else session.take(codec.decode(text));
  }

  #control(session: ModelSession, frame: ReturnType<typeof readControl>): void {
    const { judge, rules } = this.#context;
    if (frame === undefined) {
      if (rules.malformedControlEnds) session.violate();
      judge.check(session.record.end?.by === "violation", "a malformed control frame ends the session");
    } else if (frame.c === "ack") this.#acknowledged(session, frame.n);
    else if (frame.c === "since") this.#since(session, String(frame.ticket), frame.marks);
    else if (frame.c === "bye") {
      if (rules.byeEndsSession) session.end({ by: "client" });
      judge.check(session.record.end !== undefined, "the bye of a client ends its session");
    } else if (!rules.unknownControlIsIgnored) session.violate();
  }

  #since(session: ModelSession, ticket: string, marks: unknown): void {
    const { [group]: mark = 0, epoch = 0 } = marks as Readonly<Record<string, number>>;
    session.membership?.since(JSON.parse(ticket), mark, epoch);
  }

  #acknowledged(session: ModelSession, count: unknown): void {
    const { rules, judge } = this.#context;
    const n = Number(count);
    const isPossible = session.isPossible(n, session.acknowledged);
    if (rules.impossibleCountsEnd && !isPossible) session.violate();
    else {
      judge.check(isPossible, "the server knows how much the client has received");
      session.acknowledge(n);
    }
  }

  /** Asks all clients to come back later, as a node does before it stops. */
  drain(): void {
    const { rules } = this.#context;
    for (const session of this.alive) {
      if (session.socket === undefined) continue;
      session.control({ c: "bye", code: CloseCode.restart, reason: "", after: 100 });
      session.giveUp(CloseCode.restart);
      if (!rules.byeWithAfterKeepsSession) session.end({ by: "drain" });
    }
  }

  expire(session: ModelSession): void {
    if (session.state === "away" && this.#context.rules.awaySessionExpires) session.end({ by: "expiry" });
  }

  /** Forgets a session that has been over for resumeMs. */
  forget(session: ModelSession): void {
    if (!this.#context.rules.endedSessionIsForgotten) return;
    this.sessions.delete(session.name);
    session.record.isForgotten = true;
  }

  /** The node is killed. Its sockets are cut by the caller, and the next node knows nothing. */
  die(): void {
    for (const session of this.sessions.values()) {
      session.end({ by: "death" });
      session.record.isForgotten = true;
    }
    this.sessions.clear();
    this.#sessionOf.clear();
    this.#resuming.clear();
    this.#node += 1;
  }
}
