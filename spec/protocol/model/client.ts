import { CloseCode, comesBack } from "../../../protocol/close-codes.ts";
import { type ClientControl, controlText, readControl } from "../../../protocol/control-frames.ts";
import type { Command, Outcome, SessionRecord } from "./judge.ts";
import { type Packet, Socket } from "./network.ts";
import { group, Position } from "./recovery.ts";
import type { Context } from "./session.ts";

/** A send whose promise is not settled. */
interface Outgoing {
  readonly command: Command;
  /** Its number in the session; undefined if it was not written in it. */
  n: number | undefined;
  /** Whether it was on a wire in an earlier session. */
  hasEarlierWire: boolean;
}

/** The client's half of its sessions. */
export class ModelClient {
  state: "connecting" | "joined" | "away" | "closed" = "connecting";
  /** Whether the application has called `close()`. */
  isClosing = false;
  user = "ada";
  socket: Socket | undefined;
  record: SessionRecord | undefined;
  /** Application frames given to the listeners, and the part of them that the server knows of. */
  got = 0;
  #toldGot = 0;
  /** Commands with a number, and the part of them that is done. */
  numbered = 0;
  #done = 0;
  readonly position = new Position();
  readonly queue: Outgoing[] = [];
  #session: string | undefined;
  #attempt = 0;
  #window = 0;
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  // The application

  send(command: Command): void {
    const { judge, rules } = this.#context;
    if (command.kind === "tooLarge" && rules.tooLargeIsRefusedUnnumbered) judge.settles(command, "tooLarge");
    else {
      this.queue.push({ command, n: undefined, hasEarlierWire: false });
      this.#flush();
    }
  }

  close(): void {
    this.isClosing = true;
    if (this.#context.rules.closeSendsQueueFirst) this.#flush();
    else this.closeNow(false);
  }

  /** @param isLate Whether the time for the queue is over. */
  closeNow(isLate: boolean): void {
    this.#context.judge.check(isLate || this.queue.length === 0, "close() waits for the sends before it");
    if (this.state === "joined") this.#writeControl({ c: "bye" });
    this.socket?.up.close(CloseCode.normal);
    this.#end(false);
  }

  // Sockets

  connect(): Socket {
    const hasTicket = this.record !== undefined && this.position.ticket !== undefined;
    this.socket = new Socket(this.user, this.#session !== undefined, hasTicket);
    if (this.#session === undefined) return this.socket;
    if (this.#context.rules.attemptRises || this.#attempt === 0) this.#attempt += 1;
    this.#writeControl({ c: "resume", session: this.#session, try: this.#attempt, got: this.got });
    this.#toldGot = this.got;
    return this.socket;
  }

  /** Gives the socket up, since nothing was heard for too long. */
  giveUp(code: number = CloseCode.givenUp): void {
    this.socket?.up.close(code);
    this.#leave();
  }

  #leave(): void {
    this.socket = undefined;
    if (this.state !== "closed") this.state = this.#session === undefined ? "connecting" : "away";
  }

  receive(socket: Socket, packet: Packet): void {
    const isCurrent = socket === this.socket;
    const counts = isCurrent || (!this.#context.rules.givenUpSocketIsIgnored && typeof packet === "string");
    if (!counts || this.state === "closed") return;
    if (typeof packet === "string") this.#read(packet);
    else if ("close" in packet) {
      if (comesBack(packet.close) === "never") this.#closedBy(packet.close, false);
      else this.#leave();
    }
  }

  #read(text: string): void {
    const { codec } = this.#context;
    if (!codec.isControl(text)) this.#take(codec.decode(text));
    else {
      const frame = readControl(text);
      if (frame === undefined) this.#violated();
      else this.#control(frame);
    }
  }

  #control(frame: Readonly<Record<string, unknown> & { c: string }>): void {
    const { rules } = this.#context;
    if (!rules.onlyApplicationFramesCount && frame.c === "ack") this.got += 1;
    const number = (field: string): number => Number(frame[field]);
    if (frame.c === "hello") this.#hello(String(frame.session), number("window"));
    else if (frame.c === "resumed") this.#resumed(number("received"), number("done"), number("from"));
    else if (frame.c === "gone") this.#gone(frame.missed as number | undefined, number("done"));
    else if (frame.c === "ack") this.#acknowledged(number("n"));
    else if (frame.c === "skip") this.#skip(number("n"));
    else if (frame.c === "gap") this.#gap(String(frame.group));
    else if (frame.c === "joined") this.#joined(number("epoch"), number("at"));
    else if (frame.c === "ticket") this.position.answer(String(frame.value));
    else if (frame.c === "bye") this.#bye(number("code"), frame.after !== null);
    else if (frame.c === "renamed") this.#session = String(frame.session);
    else if (!rules.unknownControlIsIgnored) this.#violated();
  }

  #take(text: string): void {
    if (this.record === undefined) return;
    this.#context.judge.given(this.record, text);
    this.got += 1;
    const { offset, epoch } = Position.of(text) ?? {};
    if (offset === undefined || epoch === undefined) return;
    this.#context.judge.relays.given(this.record.user, epoch, offset);
    if (this.#context.rules.marksFollowRelays) this.position.mark = offset;
  }

  #gap(group: string): void {
    if (this.record) this.#context.judge.groupGap(this.record, group);
  }

  #joined(epoch: number, at: number): void {
    this.#context.judge.relays.joined(epoch, at);
    this.position.epoch = epoch;
    if (this.#context.rules.joinedSetsMark) this.position.mark = at;
  }

  #since(): void {
    const { ticket, mark, epoch } = this.position;
    if (ticket !== undefined) this.#writeControl({ c: "since", ticket, marks: { [group]: mark, epoch } });
  }

  #skip(n: number): void {
    const { judge, rules } = this.#context;
    if (this.record && rules.skipIsAnnounced) judge.missed(this.record, n);
    if (rules.skipIsCounted) this.got += n;
  }

  // The handshake

  #hello(session: string, window: number): void {
    const { judge, rules } = this.#context;
    judge.joins(this.record);
    const hasLostSession = this.record !== undefined;
    this.record = judge.recordOf(session);
    this.#session = session;
    this.#window = window;
    this.#attempt = 0;
    if (rules.countsAreClearedOnHello) this.got = this.#toldGot = this.numbered = this.#done = 0;
    this.state = "joined";
    if (this.position.begin(hasLostSession)) this.#since();
    else judge.relays.forget();
    this.#flush();
  }

  #resumed(received: number, done: number, from: number): void {
    const { judge, rules } = this.#context;
    if (received > this.numbered || done > received || from <= this.got) {
      this.#violated();
      return;
    }
    if (rules.resumedSettlesDone) this.#settleUpTo(done);
    if (!rules.dropNothingButDone)
      while (this.queue[0]?.n !== undefined && this.queue[0].n <= received) this.queue.shift();
    if (this.record && rules.missedBeforeFromIsAnnounced) judge.missed(this.record, from - 1 - this.got);
    if (rules.gotFollowsFrom) this.got = from - 1;
    this.state = "joined";
    const written = rules.resendOnlyAboveReceived ? received : done;
    const again = this.queue.filter(({ n }) => n !== undefined && n > written);
    if (!rules.resendComesFirst) this.#flush();
    if (this.position.isAsking && rules.sinceIsRepeated) this.#since();
    for (const entry of again) this.#write(entry);
    this.#flush();
  }

  #gone(missed: number | undefined, done: number): void {
    const { judge, rules } = this.#context;
    if (rules.goneSettlesDone && done > 0) this.#settleUpTo(done);
    if (this.record && rules.goneIsAnnounced) judge.loses(this.record, missed);
    for (const entry of this.queue.splice(0)) {
      const wasOnWire = entry.n !== undefined;
      const isLost = wasOnWire && !entry.command.isRepeatable && rules.goneRejectsWhatWasOnWire;
      if (isLost || (!wasOnWire && !rules.neverSentStays)) judge.settles(entry.command, "mayHaveBeenTaken");
      else {
        if (rules.earlierWireIsRemembered) entry.hasEarlierWire ||= wasOnWire;
        entry.n = undefined;
        this.queue.push(entry);
      }
    }
    this.#session = undefined;
    this.giveUp(CloseCode.normal);
  }

  // Commands

  #flush(): void {
    if (this.state !== "joined") return;
    for (const entry of this.queue) {
      if (entry.n !== undefined) continue;
      if (this.numbered - this.#done >= this.#window) return;
      entry.n = ++this.numbered;
      this.#write(entry);
    }
    if (this.isClosing && this.queue.length === 0) this.closeNow(false);
  }

  #write({ command }: Outgoing): void {
    const { judge, codec } = this.#context;
    if (command.kind === "tooLarge") {
      if (command.outcome === undefined) judge.settles(command, "tooLarge");
      return;
    }
    command.wasOnWire = true;
    this.socket?.up.write(codec.encode(command.text));
  }

  #acknowledged(n: number): void {
    if (!(this.#done <= n && n <= this.numbered)) {
      this.#violated();
      return;
    }
    const { judge } = this.#context;
    for (const { command, n: own } of this.queue)
      if (own !== undefined && own <= n && this.record) judge.acknowledges(command, this.record);
    this.#settleUpTo(n);
    this.#flush();
  }

  #settleUpTo(n: number): void {
    this.#done = Math.max(this.#done, n);
    for (let first = this.queue[0]; first?.n !== undefined && first.n <= n; first = this.queue[0]) {
      this.queue.shift();
      if (first.command.outcome === undefined) this.#context.judge.settles(first.command, "resolved");
    }
  }

  /** Tells the server how much has arrived. */
  ack(): boolean {
    if (this.state !== "joined" || this.got === this.#toldGot) return false;
    this.#writeControl({ c: "ack", n: this.got });
    this.#toldGot = this.got;
    return true;
  }

  #writeControl(frame: ClientControl): void {
    this.socket?.up.write(controlText(frame));
  }

  // Ends

  #bye(code: number, isTemporary: boolean): void {
    const { rules } = this.#context;
    if (isTemporary && rules.byeWithAfterIsNotFinal) this.giveUp(CloseCode.normal);
    else {
      this.socket?.up.close(code);
      this.#closedBy(code, this.state === "joined" || !rules.byeBeforeResumedIsUncertain);
    }
  }

  #violated(): void {
    this.socket?.up.close(CloseCode.protocolError);
    this.#closedBy(CloseCode.protocolError, false);
  }

  #closedBy(code: number, isCertain: boolean): void {
    this.#context.judge.closes(code, this.record);
    this.#end(isCertain);
  }

  /** @param isCertain Whether commands without an ack have not been taken. */
  #end(isCertain: boolean): void {
    this.state = "closed";
    this.socket = undefined;
    const { judge, rules } = this.#context;
    if (!rules.finalByeRejectsWhatWaits) return;
    for (const { command, n, hasEarlierWire } of this.queue.splice(0)) {
      const isInDoubt = hasEarlierWire || (n !== undefined && !isCertain);
      const outcome: Outcome = isInDoubt ? "mayHaveBeenTaken" : "notTaken";
      if (command.outcome === undefined) judge.settles(command, outcome);
    }
  }
}
