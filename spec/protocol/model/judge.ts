import { Relays } from "./relays.ts";
import { Violation } from "./violation.ts";

/** The behaviour of the handler of a command. */
export type CommandKind =
  | "plain"
  /** Validation refuses it. */
  | "invalid"
  | "throws"
  /** Sends a frame when it begins and one when it settles. */
  | "replies"
  /** Closes the connection when it begins. */
  | "closes"
  /** Settles when the client has acknowledged all frames. */
  | "drains"
  /** Its text looks like a control frame. */
  | "forged"
  /** Exceeds maxPayload. */
  | "tooLarge";

/** How the promise of a send was settled. `notTaken` promises that no handler has begun. */
export type Outcome = "resolved" | "mayHaveBeenTaken" | "notTaken" | "tooLarge";

/** The fate of one call of `send`. */
export interface Command {
  readonly index: number;
  readonly kind: CommandKind;
  readonly text: string;
  readonly isRepeatable: boolean;
  wasOnWire: boolean;
  outcome: Outcome | undefined;
  /** The sessions in which its handler has begun, or in which validation has refused it. */
  readonly begunIn: SessionRecord[];
  /** The last session in which it was handled. */
  handledIn: SessionRecord | undefined;
  /** Whether an ended session can tell the client that the command was handled. */
  isKnownToBeDone: boolean;
  /** The frames that its handler has sent, in the last session of `begunIn`. */
  readonly replies: string[];
}

/** The reason for the end of a session. */
export type EndReason =
  | { readonly by: "consumer"; readonly code: number }
  | { readonly by: "client" | "violation" | "user" | "expiry" | "bound" | "death" }
  /** An end that the protocol does not allow. */
  | { readonly by: "socket" | "drain" };

/** The history of one session, as an observer of both ends sees it. */
export class SessionRecord {
  readonly user: string;
  /** The application frames of the server; undefined for one that can never be written. */
  readonly frames: (string | undefined)[] = [];
  /** The numbers of frames that the server may announce as lost. */
  readonly dropped = new Set<number>();
  /** The number of frames that the client was given, or was told to be lost. */
  accounted = 0;
  /** Groups with a gap that the client was not told of. */
  readonly untoldGaps = new Set<string>();
  lastBegun = -1;
  connects = 0;
  end: EndReason | undefined;
  /** Whether its last words, if it has any, need not be kept any longer. */
  isForgotten = false;

  constructor(user: string) {
    this.user = user;
  }
}

/** Sees both ends, and throws a `Violation` as soon as a promise of the protocol is broken. */
export class Judge {
  readonly commands: Command[] = [];
  readonly relays = new Relays();
  readonly #byText = new Map<string, Command>();
  readonly #byName = new Map<string, SessionRecord>();
  /** Whether the client has broken the protocol on purpose. */
  hasMisbehaved = false;
  /** Whether a session of the client was gone. */
  hasLostSession = false;
  /** Whether a guard has refused the client for good. */
  hasRefused = false;
  /** Whether the client has come back with the token of another user. */
  hasChangedUser = false;

  check(isKept: boolean, promise: string): void {
    if (!isKept) throw new Violation(promise);
  }

  commandOf(text: string): Command {
    const command = this.#byText.get(text);
    if (command === undefined)
      throw new Violation(`the application gets a text that was never sent: ${text}`);
    return command;
  }

  recordOf(name: string): SessionRecord {
    const record = this.#byName.get(name);
    if (record === undefined) throw new Violation("a session is known to both ends");
    return record;
  }

  // Of the application on both ends

  sends(kind: CommandKind, text: string, isRepeatable: boolean): Command {
    const command: Command = {
      index: this.commands.length,
      kind,
      text,
      isRepeatable,
      wasOnWire: false,
      outcome: undefined,
      begunIn: [],
      handledIn: undefined,
      isKnownToBeDone: false,
      replies: [],
    };
    this.commands.push(command);
    this.#byText.set(text, command);
    return command;
  }

  // Of the server

  names(name: string, record: SessionRecord): void {
    this.#byName.set(name, record);
  }

  connects(record: SessionRecord): void {
    record.connects += 1;
    this.check(record.connects === 1, "a session has one actor");
  }

  begins(command: Command, record: SessionRecord): void {
    this.check(!command.begunIn.includes(record), "a command begins once in a session");
    this.check(
      command.begunIn.length === 0 || command.isRepeatable,
      "only a repeatable command begins twice",
    );
    this.check(!command.isKnownToBeDone, "a command that is known to be done does not begin again");
    const isOpen = command.outcome === undefined || command.outcome === "mayHaveBeenTaken";
    this.check(isOpen, "a command does not begin after its send was settled");
    this.check(command.index > record.lastBegun, "commands begin in order");
    record.lastBegun = command.index;
    command.begunIn.push(record);
    command.replies.length = 0;
  }

  ends(record: SessionRecord, end: EndReason): void {
    record.end ??= end;
  }

  // Of the client

  joins(lost: SessionRecord | undefined): void {
    const isAnnounced = lost === undefined || lost.accounted === lost.frames.length;
    this.check(isAnnounced, "the loss of a session is announced before the next begins");
  }

  /** A listener is given an application frame. */
  given(record: SessionRecord, text: string): void {
    const expected = record.frames[record.accounted];
    this.check(text === expected, `frame ${record.accounted + 1} is ${expected}, not ${text}`);
    record.accounted += 1;
  }

  /** The next `missed` frames are inside an announced gap. */
  missed(record: SessionRecord, missed: number): void {
    if (missed > 0) this.relays.announceGap();
    for (let left = missed; left > 0; left -= 1) {
      record.accounted += 1;
      this.check(record.dropped.has(record.accounted), "only frames that the server has dropped are a gap");
    }
  }

  /** The client is told that messages of a group may be lost. */
  groupGap(record: SessionRecord, group: string): void {
    record.untoldGaps.delete(group);
    this.relays.announceGap();
  }

  /** The client loses a session. All frames that it has not been given are in one gap. */
  loses(record: SessionRecord, missed: number | undefined): void {
    const by = record.end?.by;
    const isAllowed = by !== undefined && by !== "consumer" && by !== "socket" && by !== "drain";
    this.check(isAllowed || record.isForgotten, `a session that was ended by ${by ?? "nothing"} is not gone`);
    const actual = record.frames.length - record.accounted;
    const isRight = missed === undefined || missed === actual || this.hasMisbehaved;
    this.check(isRight, `${actual} frames are missed, not ${missed}`);
    record.accounted = record.frames.length;
    record.untoldGaps.clear();
    this.hasLostSession = true;
    if (missed === undefined) return;
    for (const command of this.commands) if (command.handledIn === record) command.isKnownToBeDone = true;
  }

  settles(command: Command, outcome: Outcome): void {
    this.check(command.outcome === undefined, "a send is settled once");
    command.outcome = outcome;
    if (outcome === "resolved")
      this.check(command.handledIn !== undefined, "a send that resolves was handled");
    if (outcome === "mayHaveBeenTaken") this.check(command.wasOnWire, "a send in doubt was on a wire");
    if (outcome === "notTaken") this.check(command.begunIn.length === 0, "a send not taken has not begun");
  }

  /** An ack has settled `command`: the frames of its handler have arrived before. */
  acknowledges(command: Command, record: SessionRecord): void {
    const arrived = record.frames.slice(0, record.accounted);
    const isBefore = command.replies.every((reply) => arrived.includes(reply));
    this.check(isBefore, "the frames of a handler arrive before the ack of its command");
  }

  /** The client closes for good, because of `code`. `record` is that of its session, if it has one. */
  closes(code: number, record: SessionRecord | undefined): void {
    const end = record?.end;
    if (code === 1002) this.check(this.hasMisbehaved, "a client that obeys the protocol is not closed 1002");
    else if (code === 3401) this.check(this.hasRefused, "only a guard refuses a client");
    else if (code === 3403) this.check(this.hasChangedUser, "only another user is refused");
    else {
      this.check(end?.by === "consumer" && end.code === code, `the close with ${code} has a cause`);
      const isComplete = record?.accounted === record?.frames.length;
      this.check(isComplete, "all frames arrive before the last words");
    }
  }
}
