import type { Directive, LagPolicy, OverflowPolicy, Supervision } from "../actors/index.ts";
import type { ConsumerClass } from "./consumer-class.ts";
import { type Limits, longestMs } from "./limits.ts";

/** What a mailbox holds. */
export interface MailboxSettings {
  readonly capacity: number;
  readonly overflow: OverflowPolicy;
  /** Frames that may wait before the client has to. */
  readonly frameHighWaterMark: number;
}

/** What waits for a client. */
export interface OutboxSettings {
  readonly maxLagBytes: number;
  readonly maxLagMs: number;
  readonly overflow: LagPolicy;
}

/** How the actors of one class of consumers are run: what the class says, and the runtime where it says nothing. */
export interface ConsumerSettings {
  readonly mailbox: MailboxSettings;
  readonly outbox: OutboxSettings;
  readonly supervision: Required<Supervision>;
  readonly handlerTimeoutMs: number | undefined;
}

const policies: readonly OverflowPolicy[] = ["close", "drop-oldest", "drop-newest"];
const lagPolicies: readonly LagPolicy[] = ["close", "drop-oldest"];
export const directives: readonly Directive[] = ["stop", "resume", "restart"];

export const isDirective = (value: unknown): value is Directive =>
  (directives as readonly unknown[]).includes(value);

/** Reads the settings of classes, once each. */
export class ConsumerSettingsReader {
  readonly #limits: Limits;
  readonly #read = new WeakMap<ConsumerClass, ConsumerSettings>();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** @throws {RangeError} for what is not one of the values there are, or no whole number in its range. */
  of(Consumer: ConsumerClass): ConsumerSettings {
    const known = this.#read.get(Consumer);
    if (known !== undefined) return known;
    const settings = this.#readFrom(Consumer);
    this.#read.set(Consumer, settings);
    return settings;
  }

  #readFrom({ name, mailbox, outbox, supervision, handlerTimeoutMs }: ConsumerClass): ConsumerSettings {
    const { mailboxCapacity, frameHighWaterMark } = this.#limits;
    const { capacity = mailboxCapacity, overflow = "close" } = mailbox;
    const { onFailure = "stop", maxFailures = 10, withinMs = 60_000, backoffMs = 100 } = supervision;
    const {
      maxLagBytes = this.#limits.maxLagBytes,
      maxLagMs = this.#limits.maxLagMs,
      overflow: lagPolicy = "close",
    } = outbox;
    checkOneOf(`${name}.mailbox.overflow`, overflow, policies);
    checkOneOf(`${name}.outbox.overflow`, lagPolicy, lagPolicies);
    checkNumber(`${name}.outbox.maxLagBytes`, maxLagBytes, 1);
    checkNumber(`${name}.outbox.maxLagMs`, maxLagMs, 1);
    if (typeof onFailure !== "function") checkOneOf(`${name}.supervision.onFailure`, onFailure, directives);
    checkNumber(`${name}.mailbox.capacity`, capacity, 1);
    checkNumber(`${name}.supervision.maxFailures`, maxFailures, 0);
    checkNumber(`${name}.supervision.withinMs`, withinMs, 1);
    checkNumber(`${name}.supervision.backoffMs`, backoffMs, 0);
    if (handlerTimeoutMs !== undefined) checkNumber(`${name}.handlerTimeoutMs`, handlerTimeoutMs, 1);
    return {
      mailbox: { capacity, overflow, frameHighWaterMark },
      outbox: { maxLagBytes, maxLagMs, overflow: lagPolicy },
      supervision: { onFailure, maxFailures, withinMs, backoffMs },
      handlerTimeoutMs,
    };
  }
}

function checkOneOf(what: string, value: unknown, values: readonly unknown[]): void {
  if (!values.includes(value)) throw new RangeError(`${what} is one of ${values.join(", ")}, not ${value}.`);
}

function checkNumber(what: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least && value <= longestMs) return;
  throw new RangeError(`${what} is a whole number from ${least} to ${longestMs}, not ${value}.`);
}
