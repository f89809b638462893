import type { Consumer, ConsumerStatics } from "../actors/consumer.ts";
import type {
  ConnectionLimits,
  ConsumerContext,
  Directive,
  LagPolicy,
  MailboxOptions,
  OutboxOptions,
  OverflowPolicy,
  SessionOptions,
  Supervision,
} from "../actors/index.ts";
import type { Contract } from "../contract/index.ts";
import { isSchema } from "../contract/standard-schema.ts";
import type { ChannelLayer } from "../layers/channel-layer.ts";
import { checkInteger, maxDelayMs } from "../layers/check-integer.ts";
import { InvalidOptionError } from "../layers/errors.ts";
import { checkCodec } from "./check-codec.ts";
import { checkContract } from "./check-contract.ts";
import { findLayer } from "./cluster/argument-checks.ts";
import type { ConsumerCounts } from "./consumer-counts.ts";
import type { Counters } from "./counters.ts";
import { MissingCapabilityError, UnknownLayerError } from "./errors.ts";
import type { Limits } from "./limits/limits.ts";
import type { Rate } from "./limits/token-bucket.ts";

/** A consumer class that `route` and `spawn` accept. */
export interface ConsumerClass extends ConsumerStatics {
  new (context: ConsumerContext): Consumer;
  readonly prototype: Consumer;
  readonly name: string;
  /** The contract of the frames, if the consumer has one. */
  readonly contract?: Contract | undefined;
  /** The handlers of the client's frames. Only classes with a contract have them. */
  readonly frames?: object;
  /** Only subclasses of {@link JsonWebSocketConsumer} have one. */
  readonly codec?: unknown;
}

/** The waiting frames of all actors of a runtime, in characters or bytes. */
export interface WaitingFrames {
  length: number;
  readonly maxLength: number;
}

export interface MailboxSettings extends Required<MailboxOptions> {
  /** Maximum number of waiting frames. If more frames wait, the runtime pauses the client. */
  readonly frameHighWaterMark: number;
  readonly waitingFrames: WaitingFrames;
}

export interface OutboxSettings extends Required<OutboxOptions> {
  /** The counts of the consumer class. */
  readonly counts: ConsumerCounts;
}

export type LimitSettings = Required<ConnectionLimits>;

export type SessionSettings = Required<SessionOptions>;

/** The limits of a client's frames and bytes. */
export interface TrafficSettings {
  readonly frames: Rate;
  readonly bytes: Rate;
}

/** Settings of the socket of a connection. */
export type SocketSettings = Pick<ConsumerSettings, "outbox" | "traffic">;

/** Settings of one consumer class: its static properties, with the runtime's limits as defaults. */
export interface ConsumerSettings {
  readonly mailbox: MailboxSettings;
  readonly outbox: OutboxSettings;
  readonly limits: LimitSettings;
  readonly traffic: TrafficSettings;
  /** Undefined if the consumer refuses sessions. */
  readonly session: SessionSettings | undefined;
  readonly supervision: Required<Supervision>;
  readonly handlerTimeoutMs: number | undefined;
  readonly counts: ConsumerCounts;
}

const policies: readonly OverflowPolicy[] = ["close", "drop-oldest", "drop-newest"];
const lagPolicies: readonly LagPolicy[] = ["close", "drop-oldest"];
export const directives: readonly Directive[] = ["stop", "resume", "restart"];

export const isDirective = (value: unknown): value is Directive =>
  (directives as readonly unknown[]).includes(value);

/** Checks consumer classes and reads their settings, once per class. */
export class ConsumerSettingsReader {
  readonly #layers: Readonly<Record<string, ChannelLayer>>;
  readonly #limits: Limits;
  readonly #counters: Pick<Counters, "of">;
  readonly #waitingFrames: WaitingFrames;
  readonly #known = new WeakMap<ConsumerClass, ConsumerSettings>();

  constructor(
    layers: Readonly<Record<string, ChannelLayer>>,
    limits: Limits,
    counters: Pick<Counters, "of">,
  ) {
    this.#layers = layers;
    this.#limits = limits;
    this.#counters = counters;
    this.#waitingFrames = { length: 0, maxLength: limits.maxWaitingFrameBytes };
  }

  /** @throws as {@link Runtime.route} does, except for {@link RouteError}. */
  of(Consumer: ConsumerClass): ConsumerSettings {
    const known = this.#known.get(Consumer);
    if (known !== undefined) return known;
    const settings = this.#readFrom(Consumer);
    const { name, layer } = Consumer;
    const needs = settings.session?.recover ? [...Consumer.needs, "history" as const] : Consumer.needs;
    checkLayer({ name, layer, needs }, this.#layers);
    checkSchemas(name, Consumer.messages);
    checkContract(Consumer);
    checkCodec(Consumer);
    if (needs.includes("history")) findLayer(this.#layers, layer)?.keepHistory();
    this.#known.set(Consumer, settings);
    return settings;
  }

  #readFrom({
    name,
    mailbox,
    outbox,
    limits,
    session,
    supervision,
    handlerTimeoutMs,
  }: ConsumerClass): ConsumerSettings {
    const { mailboxCapacity, frameHighWaterMark } = this.#limits;
    const { capacity = mailboxCapacity, overflow = "close" } = mailbox;
    const { onFailure = "stop", maxFailures = 10, withinMs = 60_000, backoffMs = 100 } = supervision;
    const {
      maxLagBytes = this.#limits.maxLagBytes,
      maxLagMs = this.#limits.maxLagMs,
      overflow: lagPolicy = "close",
    } = outbox;
    checkNames(`${name}.mailbox`, mailbox, { capacity, overflow });
    checkNames(`${name}.outbox`, outbox, { maxLagBytes, maxLagMs, overflow });
    checkNames(`${name}.supervision`, supervision, { onFailure, maxFailures, withinMs, backoffMs });
    checkOneOf(`${name}.mailbox.overflow`, overflow, policies);
    checkOneOf(`${name}.outbox.overflow`, lagPolicy, lagPolicies);
    checkRange(`${name}.outbox.maxLagBytes`, maxLagBytes);
    checkRange(`${name}.outbox.maxLagMs`, maxLagMs);
    if (typeof onFailure !== "function") checkOneOf(`${name}.supervision.onFailure`, onFailure, directives);
    checkRange(`${name}.mailbox.capacity`, capacity);
    checkRange(`${name}.supervision.maxFailures`, maxFailures, 0);
    checkRange(`${name}.supervision.withinMs`, withinMs);
    checkRange(`${name}.supervision.backoffMs`, backoffMs, 0);
    if (handlerTimeoutMs !== undefined) checkRange(`${name}.handlerTimeoutMs`, handlerTimeoutMs);
    const counts = this.#counters.of(name);
    const limitSettings = readLimits(name, limits, this.#limits);
    return {
      mailbox: { capacity, overflow, frameHighWaterMark, waitingFrames: this.#waitingFrames },
      outbox: { maxLagBytes, maxLagMs, overflow: lagPolicy, counts },
      limits: limitSettings,
      traffic: trafficOf(limitSettings),
      session: readSession(name, session),
      supervision: { onFailure, maxFailures, withinMs, backoffMs },
      handlerTimeoutMs,
      counts,
    };
  }
}

/** The settings of a socket without a consumer. */
export const socketDefaults = (limits: Limits, counts: ConsumerCounts): SocketSettings => ({
  traffic: trafficOf(readLimits("", {}, limits)),
  outbox: { maxLagBytes: limits.maxLagBytes, maxLagMs: limits.maxLagMs, overflow: "close", counts },
});

function readLimits(name: string, given: ConnectionLimits, limits: Limits): LimitSettings {
  const settings: LimitSettings = {
    framesPerSecond: given.framesPerSecond ?? limits.maxFramesPerSecond,
    frameBurst: given.frameBurst ?? limits.maxFrameBurst,
    bytesPerSecond: given.bytesPerSecond ?? limits.maxBytesPerSecond,
    byteBurst: given.byteBurst ?? limits.maxByteBurst,
    groups: given.groups ?? limits.maxGroupsPerConnection,
    presences: given.presences ?? limits.maxPresencesPerConnection,
    watches: given.watches ?? limits.maxWatchesPerConnection,
    tags: given.tags ?? limits.maxTagsPerConnection,
    jobs: given.jobs ?? limits.maxJobsPerConnection,
    asks: given.asks ?? limits.maxAsksPerConnection,
  };
  checkNames(`${name}.limits`, given, settings);
  for (const [limit, value] of Object.entries(settings)) checkRange(`${name}.limits.${limit}`, value);
  return settings;
}

const trafficOf = (limits: LimitSettings): TrafficSettings => ({
  frames: { perSecond: limits.framesPerSecond, burst: limits.frameBurst },
  bytes: { perSecond: limits.bytesPerSecond, burst: limits.byteBurst },
});

function readSession(name: string, session: SessionOptions | false): SessionSettings | undefined {
  if (session === false) return undefined;
  const { resumeMs = 60_000, maxBytes = 1_048_576, maxFrames = 10_000, recover = false } = session;
  const settings = { resumeMs, maxBytes, maxFrames, recover };
  checkNames(`${name}.session`, session, settings);
  checkRange(`${name}.session.resumeMs`, resumeMs);
  checkRange(`${name}.session.maxBytes`, maxBytes);
  checkRange(`${name}.session.maxFrames`, maxFrames);
  checkOneOf(`${name}.session.recover`, recover, [true, false]);
  return settings;
}

/** The compiler accepts any further property in a static property of a subclass, so a misspelt name would be ignored. */
function checkNames(option: string, given: object, known: object): void {
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(known, name));
  if (unknown === undefined) return;
  const names = Object.keys(known).join(", ");
  throw new InvalidOptionError(`Unknown option \`${option}.${unknown}\`. The options are: ${names}.`);
}

function checkSchemas(name: string, messages: object | undefined): void {
  for (const [type, schema] of Object.entries(messages ?? {})) {
    if (!isSchema(schema))
      throw new InvalidOptionError(
        `\`${name}.messages.${type}\` does not speak Standard Schema: use a schema of zod, valibot or arktype.`,
      );
  }
}

function checkOneOf(option: string, value: unknown, values: readonly unknown[]): void {
  if (values.includes(value)) return;
  throw new InvalidOptionError(`\`${option}\` must be one of ${values.join(", ")}, not ${value}.`);
}

function checkRange(option: string, value: number, min = 1): void {
  checkInteger(option, value, { min, max: maxDelayMs });
}

function checkLayer(
  { name, layer: alias, needs }: Pick<ConsumerClass, "name" | "layer" | "needs">,
  layers: Readonly<Record<string, ChannelLayer>>,
): void {
  if (alias === undefined) {
    if (needs.length === 0) return;
    throw new MissingCapabilityError(
      `${name} needs ${needs.join(", ")}, but has no layer: set its static property \`layer\`.`,
    );
  }
  const layer = findLayer(layers, alias);
  if (layer === undefined) {
    throw new UnknownLayerError(
      `${name} names the layer "${alias}", which this runtime does not have. ` +
        (Object.keys(layers).length > 0
          ? `It has: ${Object.keys(layers).join(", ")}.`
          : "It has none: pass `layers` to createRuntime."),
    );
  }
  const lacking = needs.filter((need) => !layer.capabilities[need]);
  if (lacking.length === 0) return;
  const { delivery, ...others } = layer.capabilities;
  const abilities = Object.entries(others).flatMap(([ability, isSupported]) =>
    isSupported ? [ability] : [],
  );
  throw new MissingCapabilityError(
    `${name} needs ${lacking.join(", ")}, which the layer "${alias}" lacks: ` +
      "use another layer for that alias. " +
      `This layer has: ${[`${delivery} delivery`, ...abilities].join(", ")}.`,
  );
}
