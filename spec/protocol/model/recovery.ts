import type { ServerControl } from "../../../protocol/control-frames.ts";
import type { Judge, SessionRecord } from "./judge.ts";
import type { Relays } from "./relays.ts";
import type { Rules } from "./rules.ts";

export const group = "room";

/** A group on a layer with history. It outlives the nodes. */
export class Stream {
  /** Changes when the history is lost. Offsets begin again at 1. */
  epoch = 1;
  #last = 0;

  get last(): number {
    return this.#last;
  }

  publish(): void {
    this.#last += 1;
  }

  loseHistory(): void {
    this.epoch += 1;
    this.#last = 0;
  }
}

/** The content of a ticket. It is sealed: the client can only keep it. */
export interface Ticket {
  readonly user: string;
  readonly epoch: number;
  /** The offset at which the membership began. */
  readonly floor: number;
}

/** The session of a membership. */
interface Recipient {
  readonly record: SessionRecord;
  readonly rules: Rules;
  send(text: string): void;
  tell(control: ServerControl): void;
  gap(group: string): void;
}

/** The membership of a session's actor in the group. It relays each message to the client. */
export class Membership {
  readonly #session: Recipient;
  readonly #stream: Stream;
  readonly #relays: Relays;
  /** Whether the client has announced a `since`, which has not arrived. */
  #isWaiting: boolean;
  #isAnswered = false;
  #floor: number;

  /** @param hasTicket Whether the client says that it comes with a ticket. */
  constructor(session: Recipient, stream: Stream, hasTicket: boolean, judge: Judge) {
    this.#session = session;
    this.#stream = stream;
    this.#floor = stream.last;
    this.#isWaiting = hasTicket && session.rules.groupsWaitForSince;
    this.#relays = judge.relays;
    this.#relays.enters(session.record.user, stream.epoch, stream.last);
    if (this.#isWaiting) return;
    this.#tellJoined();
    this.#tellTicket();
  }

  /** Relays the newest message. */
  relay(): void {
    if (!this.#isWaiting) this.#send(this.#stream.last);
  }

  /** Catches the client up, once. The client has received the messages up to `mark`. */
  since(ticket: Ticket, mark: number, epoch: number): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    const last = this.#isWaiting ? this.#stream.last : this.#floor;
    this.#isWaiting = false;
    const isKnown = this.#isAllowed(ticket, mark, epoch);
    if (isKnown) this.#floor = mark;
    else {
      this.#floor = this.#stream.last;
      if (this.#session.rules.lostHistoryIsAGap) this.#session.gap(group);
    }
    this.#tellJoined();
    if (isKnown) for (let offset = mark + 1; offset <= last; offset += 1) this.#send(offset);
    this.#tellTicket();
  }

  #isAllowed(ticket: Ticket, mark: number, epoch: number): boolean {
    const { rules, record } = this.#session;
    const isOfUser = ticket.user === record.user || !rules.ticketBelongsToUser;
    const isOfEpoch = ticket.epoch === this.#stream.epoch || !rules.epochIsCompared;
    const isMarkOfEpoch = epoch === this.#stream.epoch || !rules.epochIsCompared;
    const isMember = mark >= ticket.floor || !rules.floorIsCompared;
    return isOfUser && isOfEpoch && isMarkOfEpoch && isMember && mark <= this.#stream.last;
  }

  /** The history of the group is lost. */
  restart(): void {
    this.#relays.enters(this.#session.record.user, this.#stream.epoch, 0);
    if (this.#isWaiting) return;
    this.#floor = 0;
    this.#session.gap(group);
    this.#tellJoined();
    this.#tellTicket();
  }

  #send(offset: number): void {
    this.#session.send(JSON.stringify({ "@": [group, offset], epoch: this.#stream.epoch }));
  }

  #tellJoined(): void {
    this.#session.tell({ c: "joined", group, epoch: String(this.#stream.epoch), at: this.#floor });
  }

  #tellTicket(): void {
    const ticket: Ticket = { user: this.#session.record.user, epoch: this.#stream.epoch, floor: this.#floor };
    this.#session.tell({ c: "ticket", value: JSON.stringify(ticket) });
  }
}

/** The client's position in the group. */
export class Position {
  mark = 0;
  /** The epoch of the mark. A `joined` that is told again may be older than the ticket. */
  epoch = 0;
  ticket: string | undefined;
  /** Whether a `since` was not answered by a ticket. */
  isAsking = false;

  /** A session begins. @returns Whether to send a `since`. */
  begin(hasLostSession: boolean): boolean {
    this.isAsking = hasLostSession && this.ticket !== undefined;
    if (!this.isAsking) this.ticket = undefined;
    return this.isAsking;
  }

  answer(ticket: string): void {
    this.ticket = ticket;
    this.isAsking = false;
  }

  /** The offset and the epoch of a relayed text; undefined for other texts. */
  static of(text: string): { readonly offset: number; readonly epoch: number } | undefined {
    if (!text.startsWith('{"@"')) return undefined;
    const { "@": at, epoch } = JSON.parse(text) as { readonly "@": [string, number]; readonly epoch: number };
    return { offset: at[1], epoch };
  }
}
