import { CloseCode } from "../../../protocol/close-codes.ts";
import { controlText, type ServerControl } from "../../../protocol/control-frames.ts";
import type { Command, EndReason, Judge, SessionRecord } from "./judge.ts";
import type { Codec, Socket } from "./network.ts";
import type { Membership } from "./recovery.ts";
import type { Rules } from "./rules.ts";

/** The bounds of the model. They are small, so that short runs reach them. */
export const limits = {
  window: 3,
  /** A server that reads without the rule of the window grants this one. */
  wideWindow: 8,
  /** The server stops reading a socket while more frames wait for their handlers. */
  frameMark: 4,
  /** The maximum number of texts in a log. */
  maxLogged: 4,
} as const;

/** A frame that the client has not acknowledged, or a control frame to repeat, behind frame `behind`. */
type Logged =
  | { readonly n: number; text: string | undefined }
  | { readonly control: ServerControl; readonly behind: number };

/** All that the ends of a model share. */
export interface Context {
  readonly rules: Rules;
  readonly judge: Judge;
  readonly codec: Codec;
}

/** The server's half of a session, and its actor. */
export class ModelSession {
  state: "online" | "away" | "over" = "online";
  socket: Socket | undefined;
  name: string;
  attempt = 0;
  /** Frames given to the session, and the part of them that the client has acknowledged. */
  sent = 0;
  acknowledged = 0;
  /** Frames taken off the socket, and the part of them that is done. */
  got = 0;
  done = 0;
  readonly record: SessionRecord;
  readonly inbox: string[] = [];
  running: Command | undefined;
  membership: Membership | undefined;
  #log: Logged[] = [];
  #toldDone = 0;
  /** Sends that wait for the ack of their command. Used if `sendsBeforeAck` is broken. */
  #held: string[] = [];
  /** The bye of a session that is over, kept for a resume. */
  #lastWords: number | undefined;
  readonly #context: Context;

  constructor(name: string, record: SessionRecord, context: Context) {
    this.name = name;
    this.record = record;
    this.#context = context;
  }

  get rules(): Rules {
    return this.#context.rules;
  }

  /** The number of texts in the log. */
  get texts(): number {
    return this.#log.filter((entry) => "n" in entry && entry.text !== undefined).length;
  }

  get hasLastWords(): boolean {
    return this.#lastWords !== undefined;
  }

  get isReading(): boolean {
    return this.inbox.length + (this.running ? 1 : 0) <= limits.frameMark;
  }

  /** Sends an application frame. A frame without a text cannot be written. */
  send(text: string | undefined): void {
    if (this.state === "over") return;
    const n = ++this.sent;
    this.record.frames.push(text);
    if (text === undefined) this.record.dropped.add(n);
    this.#log.push({ n, text });
    if (text !== undefined) this.#writeText(text);
    else if (this.#context.rules.unwrittenIsSkipped) this.control({ c: "skip", n: 1 });
    this.#bound();
  }

  /** Tells the client that messages of a group may be lost. */
  gap(group: string): void {
    if (this.state === "over") return;
    this.record.untoldGaps.add(group);
    this.tell({ c: "gap", group, fresh: false });
  }

  /** Writes a control frame, again after each resume until a later frame has arrived. */
  tell(control: ServerControl): void {
    if (this.state === "over") return;
    if (this.#context.rules.gapsAreKept) this.#log.push({ control, behind: this.sent });
    this.control(control);
  }

  #bound(): void {
    const { rules } = this.#context;
    if (this.texts <= limits.maxLogged) return;
    if (this.state === "away") {
      if (rules.logIsBoundedAway) this.end({ by: "bound" });
      return;
    }
    if (!rules.logIsBoundedOnline) return;
    const oldest = this.#log.find((entry) => "n" in entry && entry.text !== undefined);
    if (oldest === undefined || !("n" in oldest)) return;
    oldest.text = undefined;
    this.record.dropped.add(oldest.n);
  }

  control(frame: ServerControl): void {
    this.socket?.down.write(controlText(frame));
  }

  #writeText(text: string): void {
    if (this.socket === undefined) return;
    const isSame = this.socket.user === this.record.user;
    this.#context.judge.check(isSame, "only the user of a session gets its frames");
    this.socket.down.write(this.#context.codec.encode(text));
  }

  // Sockets

  leave(): void {
    this.socket = undefined;
    if (this.state === "online") this.state = "away";
  }

  /** The server gives up the socket, and keeps the session. */
  giveUp(code: number): void {
    this.socket?.down.close(code);
    this.leave();
  }

  /** Continues on `socket` behind the first `got` frames. */
  resume(socket: Socket, got: number): void {
    const { rules } = this.#context;
    this.socket = socket;
    if (this.state === "away") this.state = "online";
    if (rules.replayOnlyAboveGot) this.acknowledge(got);
    const from = Math.max(got, this.#lastBeforeLog()) + 1;
    const done = rules.ackMeansHandled ? this.done : this.got;
    this.control({ c: "resumed", received: this.got, done, from });
    this.#toldDone = done;
    this.#replay(from);
    if (this.#lastWords === undefined) return;
    this.control({ c: "bye", code: this.#lastWords, reason: "", after: null });
    socket.down.close(this.#lastWords);
  }

  /** The number of frames before the first text or gap of the log. */
  #lastBeforeLog(): number {
    const first = this.#log.find((entry) => "control" in entry || entry.text !== undefined);
    if (first === undefined) return this.sent;
    return "control" in first ? first.behind : first.n - 1;
  }

  #replay(from: number): void {
    const { rules } = this.#context;
    for (const entry of this.#log) {
      if ("control" in entry) this.control(entry.control);
      else if (entry.text !== undefined) this.#writeText(entry.text);
      else if (entry.n >= from && rules.skipsAreTold) this.control({ c: "skip", n: 1 });
    }
  }

  /** @param n The number of frames that the client has received. */
  acknowledge(n: number): void {
    this.acknowledged = n;
    this.#log = this.#log.filter((entry) => ("n" in entry ? entry.n > n : entry.behind >= n));
  }

  /** Whether a count of the client can be. */
  isPossible(n: number, least: number): boolean {
    return Number.isInteger(n) && least <= n && n <= this.sent;
  }

  // Commands

  take(text: string): void {
    if (this.state === "over") return;
    this.got += 1;
    this.inbox.push(text);
  }

  /** Gives the next command to its handler, unless one runs. */
  begin(): boolean {
    const text = this.running === undefined ? this.inbox.shift() : undefined;
    if (text === undefined) return false;
    const { judge, rules } = this.#context;
    const command = judge.commandOf(text);
    judge.begins(command, this.record);
    if (command.kind === "invalid") {
      if (rules.refusedFrameIsDone) this.#finish(command);
      return true;
    }
    this.running = command;
    if (command.kind === "replies") this.#reply(command, "begun");
    if (command.kind === "closes") this.close(4001);
    return true;
  }

  /** Settles the promise of the handler that runs. */
  settle(): boolean {
    const command = this.running;
    if (command === undefined || (command.kind === "drains" && this.texts > 0)) return false;
    this.running = undefined;
    if (command.kind === "replies") this.#reply(command, "settled");
    if (command.kind !== "throws" || this.#context.rules.thrownHandlerIsDone) this.#finish(command);
    return true;
  }

  #finish(command: Command): void {
    command.handledIn = this.record;
    this.done += 1;
  }

  #reply(command: Command, moment: string): void {
    const text = `${moment} ${command.text}`;
    command.replies.push(text);
    if (this.#context.rules.sendsBeforeAck) this.send(text);
    else this.#held.push(text);
  }

  /** Tells the client which of its frames are done. */
  ack(): boolean {
    const n = this.#context.rules.ackMeansHandled ? this.done : this.got;
    if (this.socket === undefined || this.state !== "online" || n === this.#toldDone) return false;
    this.control({ c: "ack", n });
    this.#toldDone = n;
    for (const text of this.#held.splice(0)) this.send(text);
    return true;
  }

  // Ends

  /** The consumer closes the connection. */
  close(code: number): void {
    if (this.state === "over") return;
    const { rules } = this.#context;
    if (this.running && rules.runningHandlerIsTaken) this.#finish(this.running);
    if (rules.ackPrecedesBye) this.ack();
    this.control({ c: "bye", code, reason: "", after: null });
    this.socket?.down.close(code);
    this.end({ by: "consumer", code });
    if (rules.lastWordsAreKept) this.#lastWords = code;
  }

  /** Ends the session and its actor. A tombstone with the counts stays. */
  end(reason: EndReason): void {
    if (this.state === "over") return;
    this.#context.judge.ends(this.record, reason);
    this.state = "over";
    this.inbox.length = 0;
    this.running = undefined;
    if (reason.by !== "consumer") this.#log = [];
  }

  /** Ends the session because the client has broken the protocol. */
  violate(): void {
    this.socket?.down.close(CloseCode.protocolError);
    this.end({ by: "violation" });
  }
}
