import type { RelayRecovery } from "../../actors/consumer-context.ts";
import type { ChannelLayer } from "../../layers/channel-layer.ts";
import type { Clock } from "../../layers/clock.ts";
import type { Delivery, Gap, Mail, Position } from "../../layers/message.ts";
import type { ControlFields, ServerControl } from "../../protocol/control-frames.ts";
import type { ExpiryQueue } from "../expiry-queue.ts";
import { type LostMembership, LostSession, type Marks, readMarks, unknownPosition } from "./lost-session.ts";
import { sessionHash, type TicketHolder } from "./ticket.ts";
import { renewalMs, type Tickets } from "./tickets.ts";

/** The session whose client catches up. */
export interface RecoverableSession {
  readonly identity: TicketHolder & {
    readonly id: string;
    /** Whether the client has announced that its first frame is `since`. */
    readonly isSinceDue: boolean;
  };
  /** `sent` is the number of the last frame that was sent to the client. */
  readonly log: { readonly sent: number };
  /** Sends a control frame, if the session has a socket. */
  control(frame: ServerControl): void;
}

/** The actor of the session. */
export interface RecoveringActor {
  readonly layer: ChannelLayer;
  readonly channel: string;
  /** See {@link ConsumerContext.runNext}. */
  runNext(work: () => Promise<void>): void;
  /** Relays a message of a history, if the consumer relays messages of its type. */
  relay(mail: Mail): void;
  /** Reports an error that leads to a gap. */
  report(error: unknown): void;
}

export interface RecoveryContext {
  readonly clock: Clock;
  readonly tickets: Tickets;
  /** Calls {@link Recovery.renew} of a session before its ticket expires. */
  readonly renewals: ExpiryQueue<Recovery>;
}

interface Membership {
  /** The position of the newest message that the session does not receive. */
  readonly floor: Position;
  /** The offset of the newest message that was relayed to the client, or that it has received before. */
  newest: number;
}

interface GapNotice {
  readonly missed: number | undefined;
  /** The number of the last frame before the notice. */
  readonly after: number;
}

/** The mailbox waits for an announced `since` for this time, in milliseconds. */
const sinceMs = 3_000;

/**
 * Lets the client of one session catch up with relayed messages after the death of its node.
 *
 * While the session goes on, the client learns the groups of the actor, and the position at which each membership
 * begins. The frames of relayed messages carry positions. A ticket proves the memberships to another node. If the
 * session is lost, the client comes back as a new one and sends `since`: the ticket, and the last position of each
 * group. Then the messages from there to the beginning of the new membership are read from the history. The live
 * messages follow them without a hole or a repetition, because the new membership has begun at a known position. They
 * wait in the mailbox meanwhile.
 *
 * If this session is lost as well, the client comes back again, perhaps before it has caught up. So a membership that
 * is caught up begins where that of the lost session began, and the client learns of it after its `since`.
 */
export class Recovery implements RelayRecovery {
  readonly #context: RecoveryContext;
  readonly #session: RecoverableSession;
  readonly #actor: RecoveringActor;
  readonly #memberships = new Map<string, Membership>();
  /** The last gap of each group. The client may not have received the notice. */
  readonly #gaps = new Map<string, GapNotice>();
  #lost: LostSession | undefined;
  #hasOpened = false;
  #hasSince = false;
  /** Ends the wait for `since`. */
  #onSince: (() => void) | undefined;
  /** Whether the client learns of memberships when they begin and end. */
  #isAnnouncing = false;
  #isTicketDue = false;
  #isOver = false;

  constructor(context: RecoveryContext, session: RecoverableSession, actor: RecoveringActor) {
    this.#context = context;
    this.#session = session;
    this.#actor = actor;
  }

  // ---- Called by the session

  /**
   * Called when the session has got a socket: after `hello`, or after `resumed` and the frames that the client has not
   * received. Control frames may have been lost with the old socket, so they are sent again.
   *
   * @param got the number of frames that the client had received before.
   */
  online(got = 0): void {
    const isFirst = !this.#hasOpened;
    this.#hasOpened = true;
    if (isFirst && this.#session.identity.isSinceDue) this.#actor.runNext(() => this.#awaitSince());
    else if (isFirst || this.#isAnnouncing) this.#announceAll();
    for (const [group, { missed, after }] of [...this.#gaps]) {
      if (got > after) this.#gaps.delete(group);
      else this.#sendGap(group, missed);
    }
  }

  end(): void {
    this.#isOver = true;
    this.#context.renewals.remove(this, renewalMs);
    this.#onSince?.();
  }

  /** Takes a frame `since` of the client. Returns false if it is malformed. */
  since({ ticket, marks }: ControlFields): boolean {
    const read = readMarks(marks);
    if (typeof ticket !== "string" || read === undefined) return false;
    if (this.#hasSince || this.#isOver) return true;
    this.#hasSince = true;
    this.#actor.runNext(() => this.#open(ticket, read));
    this.#onSince?.();
    return true;
  }

  // ---- Called by the actor

  /** Adds the channel to `group`, and resolves once the client has caught up with the group. */
  async join(group: string): Promise<void> {
    const { layer, channel } = this.#actor;
    let lost: LostMembership | undefined;
    let begin = unknownPosition;
    await layer.join(group, channel, (after = unknownPosition) => {
      begin = after;
      lost = this.#lost?.take(group, after);
      this.#begin(group, lost?.floor ?? after, lost?.mark);
    });
    if (lost !== undefined) await this.#catchUp(group, begin, lost);
  }

  /** Called before the channel leaves `group`. */
  leave(group: string): void {
    if (!this.#memberships.has(group)) return;
    this.#announce("left", group);
    this.#memberships.delete(group);
    this.#gaps.delete(group);
    this.renew();
  }

  relays({ group, offset, epoch }: Delivery): boolean {
    if (group === undefined || offset === undefined || epoch === undefined) return false;
    const membership = this.#memberships.get(group);
    if (membership === undefined) return false;
    // The history was lost, and begins again.
    if (membership.floor.epoch === epoch) membership.newest = Math.max(membership.newest, offset);
    else this.#begin(group, { epoch, offset: offset - 1 }).newest = offset;
    return true;
  }

  /** Called when messages of the layer may have been lost. */
  gap({ group, from, to }: Gap): void {
    if (group === undefined || !this.#memberships.has(group)) return;
    this.#sendGap(group, from === undefined || to === undefined ? undefined : to - from + 1);
  }

  // ----

  #begin(group: string, floor: Position, newest = floor.offset): Membership {
    const membership = { floor, newest };
    // A ticket has room for the newest groups.
    this.#memberships.delete(group);
    this.#memberships.set(group, membership);
    this.#announce("joined", group);
    this.renew();
    return membership;
  }

  #announceAll(): void {
    this.#isAnnouncing = true;
    for (const group of this.#memberships.keys()) this.#announce("joined", group);
    // A ticket also answers `since`.
    if (this.#memberships.size > 0 || this.#hasSince) this.renew();
  }

  #announce(c: "joined" | "left", group: string): void {
    const membership = this.#memberships.get(group);
    if (membership === undefined || !this.#isAnnouncing) return;
    const { floor, newest } = membership;
    this.#session.control({ c, group, epoch: floor.epoch, at: newest });
  }

  #sendGap(group: string, missed?: number): void {
    this.#gaps.set(group, { missed, after: this.#session.log.sent });
    this.#session.control({ c: "gap", group, ...(missed !== undefined && { missed }), fresh: false });
  }

  /** Sends the client a ticket for all memberships that have begun in this turn. */
  renew(): void {
    if (this.#isTicketDue || this.#isOver || !this.#isAnnouncing) return;
    this.#isTicketDue = true;
    void this.#sendTicket();
  }

  async #sendTicket(): Promise<void> {
    const { renewals, tickets } = this.#context;
    const { layer, channel } = this.#actor;
    const content = () => {
      this.#isTicketDue = false;
      const floors = new Map([...this.#memberships].map(([group, { floor }]) => [group, floor]));
      return { session: sessionHash(this.#session.identity.id), channel, floors };
    };
    try {
      const value = await tickets.seal(layer, content, this.#session.identity);
      if (this.#isOver) return;
      if (value !== undefined) this.#session.control({ c: "ticket", value });
      renewals.remove(this, renewalMs);
      renewals.add(this, renewalMs);
    } catch (error) {
      // The client keeps its last ticket, and gets a gap for each group that is not in it.
      this.#isTicketDue = false;
      this.#actor.report(error);
    }
  }

  async #awaitSince(): Promise<void> {
    if (!this.#hasSince && !this.#isOver) await this.#sinceOrTimeout();
    if (!this.#hasSince) this.#announceAll();
  }

  #sinceOrTimeout(): Promise<void> {
    return new Promise((resolve) => {
      const { clock } = this.#context;
      const timer = clock.setTimeout(() => this.#onSince?.(), sinceMs);
      this.#onSince = () => {
        clock.clearTimeout(timer);
        this.#onSince = undefined;
        resolve();
      };
    });
  }

  async #open(text: string, marks: Marks): Promise<void> {
    const { clock, tickets } = this.#context;
    const { layer } = this.#actor;
    const ticket = await tickets.open(layer, text, this.#session.identity).catch((error: unknown) => {
      this.#actor.report(error);
      return undefined;
    });
    const lost = new LostSession(layer, ticket, marks, clock);
    this.#lost = lost;
    const catchUps = [...this.#memberships].flatMap(([group, { floor: begin }]) => {
      const membership = lost.take(group, begin);
      if (membership === undefined) return [];
      const { floor, mark = begin.offset } = membership;
      if (floor !== undefined) this.#memberships.set(group, { floor, newest: mark });
      return [() => this.#catchUp(group, begin, membership)];
    });
    this.#announceAll();
    for (const catchUp of catchUps) await catchUp();
  }

  async #catchUp(group: string, begin: Position, lost: LostMembership): Promise<void> {
    const missed = await lost.missed().catch((error: unknown) => {
      this.#actor.report(error);
      return undefined;
    });
    if (this.#isOver || !this.#memberships.has(group)) return;
    if (missed === undefined) {
      if (lost.floor !== undefined) this.#begin(group, begin);
      this.#sendGap(group);
      return;
    }
    for (const mail of missed) if (mail.except !== this.#actor.channel) this.#actor.relay(mail);
  }
}
