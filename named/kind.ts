import { validate } from "../actors/contract/validate.ts";
import type { AskOptions, ExportedActor, NamedActor, NamedActors, NamedDeadLetter } from "../actors/index.ts";
import type { Json } from "../actors/snapshot/json-copy.ts";
import type { Schema } from "../contract/index.ts";
import type { ChannelLayer } from "../layers/channel-layer.ts";
import { checkInteger } from "../layers/check-integer.ts";
import { wallTimeOf } from "../layers/clock.ts";
import { CallbackOwner } from "../layers/error-reporter.ts";
import { InvalidMessageError, InvalidNameError, LayerClosedError } from "../layers/errors.ts";
import type { LayerState } from "../layers/layer-state.ts";
import type { Message } from "../layers/message.ts";
import type { Partition } from "../layers/state-backend.ts";
import { NamedAsks } from "./asks.ts";
import { type NamedContext, type NamedCounts, noCounts } from "./context.ts";
import { MessagesLostError, NamedKindError, RolledBackError } from "./errors.ts";
import { importedRecord } from "./imported-record.ts";
import { checkKey, partitionOf } from "./keys.ts";
import {
  type Behaviour,
  mailboxOf,
  type NamedCallerOptions,
  partitionsOf,
  replicasOf,
  type ShipmentOptions,
  schemasOf,
} from "./kind-options.ts";
import { KindReader } from "./kind-reader.ts";
import { MessageChecks } from "./message-checks.ts";
import { newNodeName } from "./node-name.ts";
import type { OutboxTargets } from "./outbox-targets.ts";
import { Ownership } from "./owner/ownership.ts";
import { RecordCodec, viewIn } from "./records.ts";
import { Shipper } from "./shipper.ts";
import { nextVersion } from "./versions.ts";
import { Views } from "./views.ts";

const maxListed = 1_000;
/** The number of partitions whose keys are read at the same time. */
const listedAtOnce = 32;
/** The number of actors of a kind that one node keeps in memory. Beyond it, idle actors leave the memory earlier. */
const maxActive = 100_000;

type DeadLetterOptions = NonNullable<Parameters<NamedActors["deadLetters"]>[0]>;

/** One kind of named actors on one node: sends to its actors, and runs those that this node owns. */
export class Kind implements NamedActors {
  readonly kind: string;
  readonly layer: ChannelLayer;
  readonly counts: NamedCounts = noCounts();
  readonly reader: KindReader;
  readonly #context: NamedContext;
  readonly #behaviour: Behaviour | undefined;
  readonly #keySchema: Schema | undefined;
  readonly #checks: MessageChecks;
  readonly partitions: number;
  readonly state: LayerState;
  readonly codec: RecordCodec;
  readonly shipment: ShipmentOptions;
  readonly #shipper: Shipper;
  readonly #asks: NamedAsks;
  readonly #views: Views;
  readonly #ownership: Ownership | undefined;
  #opening: Promise<void> | undefined;

  /**
   * @param targets delivers what the actors send
   * @throws {InvalidOptionError}
   * @throws {UnsupportedError} if the layer cannot store named actors.
   */
  constructor(
    kind: string,
    layer: ChannelLayer,
    behaviour: Behaviour | undefined,
    options: NamedCallerOptions,
    targets: OutboxTargets,
    context: NamedContext,
  ) {
    this.kind = kind;
    this.layer = layer;
    this.#context = context;
    this.#behaviour = behaviour;
    this.#keySchema = options.key;
    this.#checks = new MessageChecks(schemasOf(options));
    this.partitions = partitionsOf(options);
    this.state = layer.state;
    this.codec = new RecordCodec(this.state, kind);
    this.#asks = new NamedAsks(layer, context.clock);
    // A new name for each process, because the numbers of messages begin anew.
    const node = newNodeName();
    const report = (error: unknown) => this.#report(error, "store");
    this.shipment = { ...mailboxOf(options), replicas: replicasOf(options) };
    this.#shipper = new Shipper(this.state, kind, node, this.shipment, {
      carrier: ({ index }) => this.owned.get(index),
      unheard: () => this.#ownership?.check(),
      lost: (partition, messages) => this.lost(partition, messages),
      full: () => {
        this.counts.full += 1;
      },
    });
    this.#views = new Views({
      kind,
      state: this.state,
      codec: this.codec,
      partitionOf: (key) => this.partitionOf(key),
      report,
    });
    this.reader = new KindReader({
      kind,
      partitions: this.partitions,
      node,
      state: this.state,
      codec: this.codec,
      partitionOf: (key) => this.partitionOf(key),
      open: () => this.open(),
    });
    this.#ownership = behaviour && this.#createOwnership(behaviour, node, targets, report);
  }

  /** The partitions that this node owns. */
  get owned(): Ownership["owned"] {
    return this.#ownership?.owned ?? new Map();
  }

  /** The actors of the owned partitions that are in memory. */
  get active(): number {
    let active = 0;
    for (const { actors } of this.owned.values()) active += actors.size;
    return active;
  }

  get machine(): Behaviour["machine"] | undefined {
    return this.#behaviour?.machine;
  }

  /**
   * Begins to run actors. Called again after a failure.
   * @throws {LayerUnavailableError}
   * @throws {NamedKindError} if the kind has another number of partitions.
   */
  open(): Promise<void> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  get(key: string): NamedActor {
    this.#check(key);
    const { kind } = this;
    return {
      kind,
      key,
      send: async (message) => {
        await this.send(key, message as Message);
      },
      ask: (message, options) => this.#ask(key, message as Message, options) as Promise<never>,
      view: async () => {
        await this.open();
        return this.#views.read(key);
      },
      watch: ({ signal } = {}) => this.#views.watch(key, signal),
    };
  }

  async list({
    after,
    limit = 100,
  }: {
    readonly after?: string;
    readonly limit?: number;
  } = {}): Promise<readonly string[]> {
    checkInteger("limit", limit, { max: maxListed });
    await this.open();
    const found: string[] = [];
    const first = after === undefined ? 0 : partitionOf(after, this.partitions);
    for (let from = first; from < this.partitions && found.length < limit; from += listedAtOnce) {
      const indices = Array.from(
        { length: Math.min(listedAtOnce, this.partitions - from) },
        (_, n) => from + n,
      );
      const lists = await Promise.all(
        indices.map((index) => this.state.run((backend) => backend.keys({ kind: this.kind, index }))),
      );
      for (const [n, keys] of lists.entries()) {
        const isFirst = from + n === first && after !== undefined;
        found.push(...keys.filter((key) => !isFirst || key > after).sort());
      }
    }
    return found.slice(0, limit);
  }

  async delete(key: string): Promise<boolean> {
    this.#check(key);
    await this.open();
    const partition = this.partitionOf(key);
    const stored = await this.state.run((backend) => backend.read(partition, key));
    const view = this.codec.pack("view", key, { n: "" });
    const mails = await this.state.run((backend) => backend.replace(partition, key, undefined, view));
    await this.#refuseDeleted(key, mails);
    return stored.state !== undefined || mails.length > 0;
  }

  async resume(key: string): Promise<boolean> {
    this.#check(key);
    await this.open();
    return this.state.run((backend) => backend.resume(this.partitionOf(key), key));
  }

  async deadLetters({ key, limit = 100 }: DeadLetterOptions = {}): Promise<readonly NamedDeadLetter[]> {
    if (key !== undefined) this.#check(key);
    checkInteger("limit", limit, { max: maxListed });
    return this.reader.deadLetters({ limit, ...(key !== undefined && { key }) });
  }

  async export(key: string): Promise<ExportedActor | undefined> {
    this.#check(key);
    await this.open();
    const { state } = await this.state.run((backend) => backend.read(this.partitionOf(key), key));
    if (state === undefined) return undefined;
    const { v, m } = this.codec.unpack("state", key, state.data);
    return { format: 1, kind: this.kind, key, version: v, machine: m as unknown as Json };
  }

  async import(key: string, exported: ExportedActor): Promise<void> {
    this.#check(key);
    const now = () => wallTimeOf(this.#context.clock);
    const record = importedRecord(this.kind, exported, this.#behaviour, now);
    await this.open();
    const version = nextVersion(undefined);
    const deadline = record.u ?? record.m.delays[0]?.at;
    const data = this.codec.pack("state", key, record);
    const view = this.codec.pack("view", key, { n: version, w: viewIn(record) });
    const state = { version, data, ...(deadline !== undefined && { deadline }) };
    const mails = await this.state.run((backend) => backend.replace(this.partitionOf(key), key, state, view));
    await this.#refuseDeleted(key, mails);
  }

  /** Stores a message. @throws as {@link NamedActor.send} does. */
  async send(key: string, message: Message, ask?: () => string): Promise<"stored" | "parked"> {
    const refusal = this.#checks.refusalOf(message);
    if (refusal !== undefined) throw new InvalidMessageError(refusal);
    checkMessage(message);
    // Messages and asks wait for the same promise, so that they stay in order.
    await this.open();
    const payload = this.mailOf(key, message, ask?.());
    return this.#shipper.ship(partitionOf(key, this.partitions), key, payload, ask !== undefined);
  }

  /** @throws {InvalidMessageError} */
  mailOf(key: string, message: Message, ask?: string): Uint8Array {
    checkMessage(message);
    return this.codec.pack("mail", key, { m: message, ...(ask !== undefined && { a: ask }) });
  }

  /**
   * Hands the partitions over to other nodes. Messages can be sent until {@link close}.
   * @param isLast whether to free the partitions even if there are no other nodes
   */
  async handOver(isLast: boolean): Promise<void> {
    await this.#ownership?.stop(isLast);
  }

  close(): void {
    this.#shipper.close();
    this.#asks.close();
    this.#views.close();
  }

  /** Sends an answer to the node that has asked. */
  sendAnswer(...answer: Parameters<NamedAsks["send"]>): Promise<void> {
    return this.#asks.send(...answer);
  }

  partitionOf(key: string): Partition {
    return { kind: this.kind, index: partitionOf(key, this.partitions) };
  }

  async #open(): Promise<void> {
    const stored = await this.state.run((backend) => backend.partitions(this.kind, this.partitions));
    if (stored !== this.partitions) {
      throw new NamedKindError(
        `The kind "${this.kind}" has ${stored} partitions, and their number is fixed since its first use: ` +
          `set \`partitions: ${stored}\`, not ${this.partitions}.`,
      );
    }
    await this.#asks.open();
    await this.#ownership?.start();
  }

  #ask(key: string, message: Message, { timeoutMs }: AskOptions = {}): Promise<unknown> {
    const what = `The named actor "${this.kind}" ${JSON.stringify(key)}`;
    return this.#asks.run(what, timeoutMs, (ask) => this.send(key, message, ask));
  }

  #check(key: string): void {
    checkKey(this.kind, key);
    if (this.#keySchema === undefined) return;
    const outcome = validate(this.#keySchema, key);
    const issues = outcome instanceof Promise ? [{ message: "its schema is asynchronous" }] : outcome.issues;
    if (issues === undefined) return;
    throw new InvalidNameError(
      `${JSON.stringify(key)} is not a key of the kind "${this.kind}": ${issues.map(({ message }) => message).join("; ")}.`,
    );
  }

  #createOwnership(
    behaviour: Behaviour,
    node: string,
    targets: OutboxTargets,
    report: (error: unknown) => void,
  ): Ownership {
    const { clock } = this.#context;
    const { kind } = this;
    const partitions = this.partitions;
    const options = {
      kind,
      partitions,
      version: behaviour.version,
      node,
      state: this.state,
      idleMs: behaviour.idleMs,
      report,
      waitsForVersion: (partition: number, version: number) =>
        report(
          new NamedKindError(
            `Partition ${partition} of the kind "${kind}" needs a node with version ${version} of the machine, and ` +
              "no such node is alive: its actors wait.",
          ),
        ),
    };
    return new Ownership(options, {
      behaviour,
      state: this.state,
      clock,
      lane: this.#context.lane,
      owner: new CallbackOwner((error) => this.#report(error, "async"), { stage: "named async" }),
      replicas: this.shipment.replicas,
      codec: this.codec,
      checks: this.#checks,
      counts: this.counts,
      maxActive: Math.ceil((maxActive * 4) / partitions),
      report: (error, key, stage) => this.#report(error, stage, key),
      parked: (key, reason) => this.#context.onEvent({ event: "parked", kind, key, reason }),
      buried: (key, reason) => {
        this.counts.dead += 1;
        this.#context.onEvent({ event: "dead-letter", kind, key, reason });
      },
      isLocal: (ask) => this.#asks.isLocal(ask),
      answer: (ask, answer) => this.#asks.answerLocally(ask, answer),
      targets: (partition) => targets.of(this, partition),
      rolledBack: (key, committed, found) => this.#onRolledBack(key, committed, found),
    });
  }

  #report(error: unknown, stage: string, key?: string): void {
    if (error instanceof LayerClosedError) return;
    this.#context.report(error, { stage: `named ${stage}`, kind: this.kind, ...(key && { key }) });
  }

  lost({ index }: Partition, messages: number): void {
    this.counts.lost += messages;
    this.#context.onEvent({ event: "lost", kind: this.kind, partition: index, messages });
    const text = `The store has lost ${messages} stored messages to partition ${index} of the kind "${this.kind}".`;
    this.#report(new MessagesLostError(text), "store");
  }

  #onRolledBack(key: string, committed: string, found: string): void {
    this.counts.rolledBack += 1;
    this.#context.onEvent({ event: "rolled-back", kind: this.kind, key, committed, found });
    const text = `The store has lost steps of this actor: version ${committed} was stored, and it has ${found}.`;
    this.#report(new RolledBackError(text), "store", key);
  }

  async #refuseDeleted(key: string, mails: readonly Uint8Array[]): Promise<void> {
    const refused = { code: "deleted", message: "The actor was deleted before it handled the message." };
    for (const payload of mails) {
      const { a: ask } = this.codec.unpack("mail", key, payload);
      if (ask !== undefined && !this.#asks.answerLocally(ask, { refused }))
        await this.#asks.send(ask, { refused });
    }
  }
}

/** @throws {InvalidMessageError} unless `message` is an object with a type. */
function checkMessage(message: unknown): void {
  const { type } = Object(message) as { readonly type?: unknown };
  if (typeof type !== "string" || type === "")
    throw new InvalidMessageError("A message must have a `type`: a string that is not empty.");
}
