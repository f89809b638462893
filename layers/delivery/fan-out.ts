import type { LayerMetrics } from "../counters.ts";
import type { ErrorListener } from "../error-reporter.ts";
import type { Delivery, Gap, Mail, Message, Position } from "../message.ts";
import type { Budget } from "../scheduling/lane.ts";
import { type LayerTracer, readTrace, type TraceContext, type TracedDelivery } from "../tracing.ts";
import { type Decoded, type Envelope, idIn } from "../wire/codec.ts";
import type { PayloadDecoder } from "../wire/payload-decoder.ts";
import type { LocalChannelRegistry } from "./channel-registry.ts";
import type { PendingDelivery } from "./delivery-queue.ts";
import type { Group, Member, Recipients } from "./group.ts";

/** Decoding this many bytes takes about as long as one delivery to an inbox. */
const bytesPerUnit = 1_024;

const unitsToDecode = (bytes: number): number => 1 + Math.floor(bytes / bytesPerUnit);

export interface DeliveryContext {
  readonly decoder: PayloadDecoder;
  readonly registry: LocalChannelRegistry;
  readonly metrics: LayerMetrics;
  readonly report: ErrorListener;
  /** Undefined unless messages are traced. */
  readonly tracer: () => LayerTracer | undefined;
}

/** Delivers messages or a gap, in join order, to members that joined before the arrival and have not left. */
abstract class FanOut implements PendingDelivery {
  abstract readonly bytes: number;
  abstract readonly count: number;
  arrivedAt: number | undefined = undefined;
  protected readonly context: DeliveryContext;
  readonly #recipients: Recipients;
  readonly #lastJoin: number;
  #rest: IterableIterator<Member> | undefined = undefined;
  /** The member that had not received everything when the time slice ended. */
  #interrupted: Member | undefined = undefined;

  constructor(context: DeliveryContext, recipients: Recipients) {
    this.context = context;
    this.#recipients = recipients;
    this.#lastJoin = recipients.lastJoin;
  }

  deliver(budget: Budget): boolean {
    const recipients = this.#recipients;
    // Without recipients, a message is not even decoded.
    if (recipients.isEmpty) return true;
    if (this.#rest === undefined) {
      this.#rest = recipients.members();
      if (!this.prepare(budget)) return true;
    }
    if (this.#interrupted !== undefined && !this.deliverTo(this.#interrupted, budget)) return false;
    this.#interrupted = undefined;
    for (const member of this.#rest) {
      if (recipients.lastJoin !== this.#lastJoin && !this.isFor(member)) break;
      if (!this.deliverTo(member, budget)) {
        this.#interrupted = member;
        return false;
      }
      if (!budget.hasTime) return false;
    }
    return true;
  }

  /** Whether a message can be added: delivery has not begun, and no recipient has joined since creation. */
  protected get isGathering(): boolean {
    return this.#rest === undefined && this.#lastJoin === this.#recipients.lastJoin;
  }

  /** Whether `member` joined before the payload arrived and has not left since. */
  protected isFor(member: Member): boolean {
    return this.#recipients.joinNumber(member) <= this.#lastJoin;
  }

  /** Called once, before {@link deliverTo}. @returns whether there is anything to deliver. */
  protected prepare(_budget: Budget): boolean {
    return true;
  }

  /** Delivers to `member` while there is budget. MUST NOT throw. @returns whether everything is delivered. */
  protected abstract deliverTo(member: Member, budget: Budget): boolean;
}

interface EncodedMessage {
  readonly payload: Uint8Array;
  readonly position: Position | undefined;
}

interface DecodedMessage {
  readonly mail: Mail;
  readonly except: Member | undefined;
  /** Undefined unless the message is traced. */
  readonly traced: TracedDelivery | undefined;
}

/** The limits of one fan-out, because all its messages are decoded before the delivery begins. */
const limits = { messages: 64, bytes: 64 * 1024 };

/** Delivers consecutive messages of a group: all to one member, then all to the next, to suit CPU caches. */
export class MessageFanOut extends FanOut {
  readonly #group: Group;
  readonly #topic: string;
  readonly #encoded: EncodedMessage[] = [];
  #bytes = 0;
  #decoded: readonly DecodedMessage[] = [];
  #budget: Budget | undefined;
  #member: Member | undefined;
  /** The number of messages delivered to the current member. */
  #deliveredCount = 0;
  /** The value of `group.departures` when the delivery to the current member began. */
  #departures = 0;

  constructor(context: DeliveryContext, group: Group, topic: string) {
    super(context, group);
    this.#group = group;
    this.#topic = topic;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#encoded.length;
  }

  /** @returns false if delivery has begun, a limit is reached, or a recipient has joined. */
  add(payload: Uint8Array, position: Position | undefined): boolean {
    if (!this.isGathering || this.count === limits.messages) return false;
    if (this.count > 0 && this.#bytes + payload.length > limits.bytes) return false;
    this.#encoded.push({ payload, position });
    this.#bytes += payload.length;
    return true;
  }

  override deliver(budget: Budget): boolean {
    const isDone = super.deliver(budget);
    if (isDone) for (const { traced } of this.#decoded) traced?.end();
    return isDone;
  }

  /** Decodes as late as possible, because a decoded message takes more memory than its payload. */
  protected override prepare(budget: Budget): boolean {
    this.#decoded = this.#encoded.flatMap((encoded) => {
      const decoded = this.#decode(encoded);
      budget.charge(unitsToDecode(encoded.payload.length));
      return decoded ?? [];
    });
    return this.#decoded.length > 0;
  }

  protected deliverTo(member: Member, budget: Budget): boolean {
    if (this.#member !== member) {
      this.#member = member;
      this.#deliveredCount = 0;
      this.#departures = this.#group.departures;
    }
    this.#budget = budget;
    if (this.#decoded.length > 1) {
      try {
        member.inbox.batch?.(this.#deliverRest);
      } catch (error) {
        reportInboxError(this.context, error, member);
      }
    }
    // Needed if `batch` was not called, or did not call `deliverSome`.
    this.#deliverRest();
    return this.#deliveredCount === this.#decoded.length;
  }

  readonly #deliverRest = (): void => {
    const member = this.#member as Member;
    const budget = this.#budget as Budget;
    const messages = this.#decoded;
    while (this.#deliveredCount < messages.length && budget.hasTime) {
      // An earlier delivery may have removed the member from the group.
      if (this.#group.departures !== this.#departures && !this.isFor(member)) {
        this.#deliveredCount = messages.length;
        return;
      }
      const { mail, except, traced } = messages[this.#deliveredCount] as DecodedMessage;
      if (member !== except) {
        if (traced !== undefined) traced.recipients += 1;
        deliver(this.context, member, mail);
      }
      this.#deliveredCount += 1;
      budget.charge(1);
    }
  };

  #decode({ payload, position }: EncodedMessage): DecodedMessage | undefined {
    const { decoder, registry } = this.context;
    const decoded = decoder.decode(this.#topic, payload);
    if (decoded === undefined) return undefined;
    const { message, envelope } = decoded;
    const except = envelope?.except === undefined ? undefined : registry.member(envelope.except);
    const trace = traceOf(this.context, decoded);
    const traced = trace && this.context.tracer()?.deliver(trace, this.#group.name, message.type);
    return { mail: mailOf(message, deliveryOf(this.#group, position, envelope), traced), except, traced };
  }
}

/** Reports a gap to a group's members, or to all channels of this node. */
export class GapFanOut extends FanOut {
  readonly bytes = 0;
  readonly count = 1;
  readonly #gap: Gap;

  constructor(context: DeliveryContext, recipients: Recipients, gap: Gap) {
    super(context, recipients);
    this.#gap = gap;
  }

  protected deliverTo({ inbox, channel }: Member, budget: Budget): boolean {
    try {
      inbox.gap(this.#gap);
    } catch (error) {
      const { group } = this.#gap;
      this.context.report(error, { stage: "layer", channel, ...(group !== undefined && { group }) });
    }
    budget.charge(1);
    return true;
  }
}

const directDelivery: Delivery = Object.freeze({});

/** Delivers a direct send to one channel of this node. */
export class DirectDelivery implements PendingDelivery {
  readonly count = 1;
  arrivedAt: number | undefined = undefined;
  readonly #context: DeliveryContext;
  readonly #topic: string;
  readonly #payload: Uint8Array;

  constructor(context: DeliveryContext, topic: string, payload: Uint8Array) {
    this.#context = context;
    this.#topic = topic;
    this.#payload = payload;
  }

  get bytes(): number {
    return this.#payload.length;
  }

  deliver(budget: Budget): boolean {
    const { decoder, registry, metrics } = this.#context;
    const decoded = decoder.decode(this.#topic, this.#payload);
    budget.charge(unitsToDecode(this.#payload.length));
    if (decoded === undefined) return true;
    const { message, envelope } = decoded;
    const member = envelope?.to === undefined ? undefined : registry.member(envelope.to);
    if (member === undefined) metrics.drop("no-channel");
    else {
      const trace = traceOf(this.#context, decoded);
      deliver(this.#context, member, mailOf(message, directDelivery, trace));
    }
    return true;
  }
}

function traceOf({ tracer }: DeliveryContext, { envelope }: Decoded): TraceContext | undefined {
  return envelope === undefined || tracer() === undefined ? undefined : readTrace(envelope);
}

function mailOf(message: Message, delivery: Delivery, trace: Mail["trace"]): Mail {
  return Object.freeze(trace === undefined ? { message, delivery } : { message, delivery, trace });
}

function deliver(context: DeliveryContext, member: Member, mail: Mail): void {
  try {
    member.inbox.deliver(mail);
    context.metrics.delivered += 1;
  } catch (error) {
    reportInboxError(context, error, member);
  }
}

function reportInboxError({ metrics, report }: DeliveryContext, error: unknown, { channel }: Member): void {
  metrics.drop("inbox-error");
  report(error, { stage: "layer", channel });
}

function deliveryOf(
  { name, delivery }: Group,
  position: Position | undefined,
  envelope: Envelope | undefined,
): Delivery {
  if (envelope?.id !== undefined) return Object.freeze({ group: name, ...position, ...idIn(envelope) });
  if (position === undefined) return delivery;
  return Object.freeze({ group: name, offset: position.offset, epoch: position.epoch });
}
