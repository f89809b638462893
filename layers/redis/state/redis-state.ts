import type { Health } from "../../backend.ts";
import { LayerClosedError, LayerUnavailableError } from "../../errors.ts";
import {
  type Claim,
  type Member,
  type Membership,
  type Partition,
  replacedPayload,
  type Shipment,
  type ShipmentReply,
  type StateBackend,
  type StateSubscription,
  type StateTopic,
  type StoredActor,
  type StoredPartition,
  type Turn,
  type TurnReply,
  wakePayload,
} from "../../state-backend.ts";
import type { ShardState } from "../connection/backend-factory.ts";
import type { PubSubSettings } from "../connection/pubsub-settings.ts";
import type { RedisServer } from "../connection/server-options.ts";
import { runScript, type Script, type ScriptArgument } from "../jobs/queue-scripts.ts";
import { PubSubConnection } from "../pubsub/pubsub-connection.ts";
import { Presences } from "./presences.ts";
import { shipScript } from "./ship-script.ts";
import { stateAdvice } from "./state-advice.ts";
import {
  actorIn,
  bytesOf,
  KeyNumbers,
  outcomesIn,
  pairsIn,
  partitionIn,
  payloadsIn,
  shipmentArguments,
  storedState,
  textsIn,
  turnArguments,
  turnReplyIn,
} from "./state-format.ts";
import { StateKeys } from "./state-keys.ts";
import { stateScripts } from "./state-scripts.ts";
import { turnScript } from "./turn-script.ts";

/** The time that replicas have to confirm what a call has written, in milliseconds. */
const replicationMs = 500;

/**
 * Named actors on one Redis server or shard. Requires Redis 7. Uses two connections of its own, so that large
 * snapshots and messages do not delay groups. Calls wait in an outage, as {@link CommandQueueOptions} permit.
 */
export class RedisState implements ShardState {
  readonly #keys: StateKeys;
  readonly #server: RedisServer;
  readonly #settings: PubSubSettings;
  readonly #onError: (error: Error) => void;
  readonly #scripts: ReturnType<typeof stateScripts>;
  readonly #ship: Script;
  readonly #turn: Script;
  readonly #shippingTurn: Script;
  readonly #subscriptions = new Map<string, StateSubscription>();
  readonly #presences: Presences;
  #connection: PubSubConnection | undefined;
  #isClosed = false;
  #runningWait: Promise<number> | undefined;
  /** The WAIT that begins after the running one. */
  #nextWait: Promise<number> | undefined;
  #wantedReplicas = 0;

  /** @param onError called with errors that do not reject any call. */
  constructor(
    prefix: string,
    server: RedisServer,
    settings: PubSubSettings,
    onError: (error: Error) => void,
  ) {
    this.#keys = new StateKeys(prefix);
    this.#server = server;
    // The hash tag keeps the topic in the slot of the other probe. A topic with braces is not in a cluster.
    this.#settings = { ...settings, kindPrefix: undefined, probeTopic: `{${settings.probeTopic}}:named` };
    this.#onError = onError;
    const { name } = settings.commands;
    this.#scripts = stateScripts(name);
    this.#ship = shipScript(name);
    this.#turn = turnScript(name, false);
    this.#shippingTurn = turnScript(name, true);
    this.#presences = new Presences(() => this.#connected().subscriptions);
  }

  /** Healthy before `open`, because a layer without named actors does not open this backend. */
  get health(): Health {
    return this.#connection?.health ?? { ok: true };
  }

  async open(): Promise<readonly Error[]> {
    if (this.#isClosed) throw new LayerClosedError();
    if (this.#connection !== undefined) return [];
    const connection = new PubSubConnection(
      "streams",
      this.#server,
      this.#settings,
      {
        payload: (channel, payload) => this.#subscriptions.get(channel)?.payload(payload),
        gap: (channel) => this.#subscriptions.get(channel)?.gap(),
        error: this.#onError,
      },
      { purpose: "state" },
    );
    await connection.open();
    try {
      const warnings = stateAdvice(this.#server.address, connection.publisher.facts);
      if (this.#isClosed) throw new LayerClosedError();
      this.#connection = connection;
      return warnings;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#connection?.close();
  }

  /** Rejects the calls that wait for a connection. */
  abandon(): void {
    this.#connection?.queue.abandon();
  }

  async partitions(kind: string, count: number): Promise<number> {
    const { partitions } = this.#keys.kind(kind);
    return Number(await this.#run("partitions", this.#scripts.partitions, [partitions], count));
  }

  async beat(kind: string, { node, version }: Member, leaseMs: number): Promise<Membership> {
    if (this.#subscriptions.has(this.#keys.kind(kind).channel)) {
      await this.#presences.add(kind, this.#keys.presence(kind) + node);
    }
    return this.#membership(kind, node, version, leaseMs);
  }

  members(kind: string): Promise<Membership> {
    return this.#membership(kind);
  }

  async leave(kind: string, node: string): Promise<void> {
    const { members, channel } = this.#keys.kind(kind);
    await this.#run("leave", this.#scripts.leave, [members, channel], node);
    await this.#presences.remove(kind, this.#keys.presence(kind) + node);
  }

  async claim(...[partition, claim]: Parameters<StateBackend["claim"]>): Promise<Claim> {
    const reply = await this.claimPartition(partition, claim);
    if (reply.outcome === "mine") await this.raise(partition, claim.version);
    return reply;
  }

  async claimPartition(...[partition, claim]: Parameters<StateBackend["claim"]>): Promise<Claim> {
    const { node, token, version, dead } = claim;
    const { meta, senders, wake } = this.#keys.partition(partition);
    const keys = [meta, senders, wake];
    const reply = await this.#run("claim", this.#scripts.claim, keys, node, token, version, ...dead);
    const [outcome, fact = ""] = textsIn(reply);
    if (outcome === "newer") return { outcome, version: Number(fact) };
    return outcome === "theirs" ? { outcome, node: fact } : { outcome: "mine" };
  }

  async raise({ kind, index }: Partition, version: number): Promise<void> {
    if (version === 1) return;
    await this.#run("raise", this.#scripts.raise, [this.#keys.kind(kind).versions], index, version);
  }

  async release(partition: Partition, token: string): Promise<void> {
    const { meta, loads } = this.#keys.partition(partition);
    await this.#run("release", this.#scripts.release, [meta, loads], token);
  }

  async ship(partition: Partition, shipment: Shipment): Promise<ShipmentReply> {
    const { senders, parked, waiting, wake } = this.#keys.partition(partition);
    const numbers = new KeyNumbers();
    const args = shipmentArguments(shipment, numbers);
    const keys = [senders, parked, waiting, wake, ...this.#mailboxes(partition, numbers)];
    const head = [wakePayload(numbers.keys), ...numbers.keys];
    const reply = await this.#run("ship", this.#ship, keys, ...head, ...args);
    await this.#replicated(shipment.replicas);
    const [known, heard, outcomes] = reply as [number, number, Buffer];
    return { outcomes: outcomesIn(outcomes), known, isHeard: heard > 0 };
  }

  async turn(partition: Partition, turn: Turn): Promise<TurnReply> {
    const { commits, shipment, replicas } = turn;
    const { meta, state, timers, waiting, parked, loads, outbox, dead, senders } =
      this.#keys.partition(partition);
    const numbers = new KeyNumbers();
    const channelOf = (key: string) => this.#keys.channel({ partition, topic: "view", key });
    const args = turnArguments(turn, numbers, channelOf);
    const keys = [meta, state, timers, waiting, parked, loads, outbox, dead, senders];
    const mailboxes = this.#mailboxes(partition, numbers);
    const [kind, script] = shipment
      ? (["ship", this.#shippingTurn] as const)
      : (["turn", this.#turn] as const);
    const reply = await this.#run(kind, script, [...keys, ...mailboxes], ...args);
    if (commits.length > 0 || shipment) await this.#replicated(replicas);
    return turnReplyIn(reply, turn);
  }

  async read(partition: Partition, key: string): Promise<StoredActor> {
    const { state, waiting, parked, timers } = this.#keys.partition(partition);
    return actorIn(await this.#run("read", this.#scripts.read, [state, waiting, parked, timers], key));
  }

  async replace(
    partition: Partition,
    key: string,
    state: Parameters<StateBackend["replace"]>[2],
    view: Uint8Array | undefined,
  ): Promise<readonly Uint8Array[]> {
    const names = this.#keys.partition(partition);
    const mailbox = this.#keys.mailbox(partition, key);
    const hashes = [names.state, names.timers, names.waiting, names.parked, names.loads];
    const value = state === undefined ? [0, ""] : [1, storedState(state)];
    const publication =
      view === undefined ? [] : [this.#keys.channel({ partition, topic: "view", key }), bytesOf(view)];
    const args = [key, replacedPayload(key), state?.deadline ?? "", ...value, ...publication];
    const keys = [...hashes, mailbox, names.wake];
    return payloadsIn(await this.#run("replace", this.#scripts.replace, keys, ...args));
  }

  async resume(partition: Partition, key: string): Promise<boolean> {
    const { parked, wake, state, timers } = this.#keys.partition(partition);
    const keys = [parked, wake, state, timers];
    return (await this.#run("resume", this.#scripts.resume, keys, key, wakePayload([key]))) === 1;
  }

  async keys(partition: Partition): Promise<readonly string[]> {
    const { state } = this.#keys.partition(partition);
    const label = { command: "HKEYS", keys: [state] };
    const { queue, publisher } = this.#connected();
    return queue.run(0, () => publisher.run((redis) => redis.hkeys(state), label));
  }

  async describe(partition: Partition): Promise<StoredPartition> {
    const { meta, state, waiting, parked, dead, outbox, timers } = this.#keys.partition(partition);
    const keys = [meta, state, waiting, parked, dead, outbox, timers];
    return partitionIn(await this.#run("describe", this.#scripts.describe, keys));
  }

  async deadLetters(partition: Partition, limit = 1_000): Promise<readonly Uint8Array[]> {
    const { dead } = this.#keys.partition(partition);
    const label = { command: "LRANGE", keys: [dead] };
    const { queue, publisher } = this.#connected();
    return queue.run(0, () => publisher.run((redis) => redis.lrangeBuffer(dead, -limit, -1), label));
  }

  async subscribe(topic: StateTopic, subscription: StateSubscription): Promise<void> {
    const channel = this.#keys.channel(topic);
    const { subscriptions } = this.#connected();
    this.#subscriptions.set(channel, subscription);
    try {
      await subscriptions.subscribe(channel);
    } catch (error) {
      this.#subscriptions.delete(channel);
      throw error;
    }
  }

  async unsubscribe(topic: StateTopic): Promise<void> {
    const channel = this.#keys.channel(topic);
    if (!this.#subscriptions.delete(channel) || this.#isClosed) return;
    if (topic.topic === "members") await this.#presences.removeAll(topic.kind);
    await this.#connected().subscriptions.unsubscribe(channel);
  }

  async #membership(kind: string, ...beat: readonly ScriptArgument[]): Promise<Membership> {
    const { members, beats, versions, channel } = this.#keys.kind(kind);
    const keys = [members, beats, versions, channel];
    const reply = await this.#run("beat", this.#scripts.beat, keys, this.#keys.presence(kind), ...beat);
    const [found, needed] = reply as [unknown, unknown];
    return {
      members: pairsIn(found).map(([node, version]) => ({ node, version: Number(version) })),
      versions: new Map(pairsIn(needed).map(([index, version]) => [Number(index), Number(version)])),
    };
  }

  /** Waits until `replicas` replicas have all that this connection has written. @throws {LayerUnavailableError} */
  async #replicated(replicas = 0): Promise<void> {
    if (replicas === 0) return;
    const have = await this.#wait(replicas);
    if (have >= replicas) return;
    throw new LayerUnavailableError(
      `Redis at ${this.#server.address} has the data, but only ${have} of ${replicas} replicas confirmed it ` +
        `within ${replicationMs} ms.`,
    );
  }

  /**
   * The number of replicas that have the writes so far. One WAIT runs at a time, because it blocks the connection: calls
   * that come meanwhile share the next one.
   */
  #wait(replicas: number): Promise<number> {
    this.#wantedReplicas = Math.max(this.#wantedReplicas, replicas);
    this.#nextWait ??= this.#waitAfter(this.#runningWait);
    return this.#nextWait;
  }

  async #waitAfter(earlier: Promise<unknown> | undefined): Promise<number> {
    await earlier?.catch(() => {});
    const wanted = this.#wantedReplicas;
    this.#wantedReplicas = 0;
    this.#runningWait = this.#nextWait;
    this.#nextWait = undefined;
    const label = { command: "WAIT", kind: "state", keys: [] };
    return this.#connected().publisher.run((redis) => redis.wait(wanted, replicationMs), label);
  }

  #mailboxes(partition: Partition, numbers: KeyNumbers): readonly string[] {
    return numbers.keys.map((key) => this.#keys.mailbox(partition, key));
  }

  /** Only a shipment proves that the server accepts new data, because other scripts run with full memory, too. */
  #run(
    kind: string,
    script: Script,
    keys: readonly string[],
    ...args: readonly ScriptArgument[]
  ): Promise<unknown> {
    const { queue, publisher } = this.#connected();
    const bytes = args.reduce<number>(
      (sum, argument) => sum + (Buffer.isBuffer(argument) ? argument.length : 0),
      0,
    );
    const label = { command: "EVALSHA", kind: `state ${kind}`, keys, addsData: kind === "ship" };
    return queue.run(bytes, () => publisher.run((redis) => runScript(redis, script, keys, ...args), label));
  }

  #connected(): PubSubConnection {
    if (this.#isClosed) throw new LayerClosedError();
    if (this.#connection === undefined) {
      throw new LayerUnavailableError("The store of named actors has not been opened.");
    }
    return this.#connection;
  }
}
