import { LayerUnavailableError } from "../../../layers/errors.ts";
import type {
  Claim,
  Member,
  Membership,
  Partition,
  Shipment,
  ShipmentReply,
  StateBackend,
  StateSubscription,
  StateTopic,
  StoredActor,
  StoredPartition,
  Turn,
  TurnReply,
} from "../../../layers/state-backend.ts";
import type { ModelStore } from "./model-store.ts";

/** The fault of one call. */
export type Fault =
  /** The call is not executed, and the node knows it. */
  | "none"
  /** The script of the call fails before its first write. */
  | "script"
  /** The connection breaks before the call is executed. */
  | "before"
  /** The connection breaks after the call is executed. */
  | "after"
  /** The connection breaks, and the call is executed later. */
  | "ghost"
  /** The reply is late. */
  | "slow"
  /** The node dies before the call. */
  | "crashBefore"
  /** The node dies after the call. */
  | "crashAfter";

export const faults: readonly Fault[] = [
  "none",
  "script",
  "before",
  "after",
  "ghost",
  "slow",
  "crashBefore",
  "crashAfter",
];

/** The calls that can go wrong. */
export const faultyCalls = ["turn", "ship", "claim", "release", "subscribe", "unsubscribe", "beat"] as const;
export type FaultyCall = (typeof faultyCalls)[number];

const lateMs = 700;

/** The access of one node to the store of the model. */
export class FaultyState implements StateBackend {
  /** The next faults, in order. */
  readonly planned: { readonly call: FaultyCall; readonly fault: Fault }[] = [];
  readonly #node: string;
  readonly #store: ModelStore;
  readonly #subscriptions = new Map<string, StateSubscription>();
  /** Whether publications get lost. */
  #isDeaf = false;
  #isDead = false;
  #frozen: { readonly thawed: Promise<void>; thaw(): void } | undefined;
  readonly #onDeath: () => void;

  constructor(node: string, store: ModelStore, onDeath: () => void) {
    this.#node = node;
    this.#store = store;
    this.#onDeath = onDeath;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  get isFrozen(): boolean {
    return this.#frozen !== undefined;
  }

  /** Ends the process of the node. */
  kill(): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.#store.disconnect(this.#node);
    this.#onDeath();
  }

  /** Stops the process of the node for a while. Its subscriptions stay. */
  freeze(): void {
    if (this.isFrozen || this.#isDead) return;
    let thaw = () => {};
    const thawed = new Promise<void>((resolve) => {
      thaw = resolve;
    });
    this.#frozen = { thawed, thaw };
  }

  thaw(): void {
    this.#frozen?.thaw();
    this.#frozen = undefined;
  }

  /** Loses publications, or no longer. */
  lose(isDeaf: boolean): void {
    if (this.#isDeaf && !isDeaf) for (const { gap } of this.#subscriptions.values()) gap();
    this.#isDeaf = isDeaf;
  }

  get isDeaf(): boolean {
    return this.#isDeaf;
  }

  async #call<T>(name: FaultyCall | undefined, work: (state: StateBackend) => Promise<T>): Promise<T> {
    await this.#alive();
    const index = this.planned.findIndex(({ call }) => call === name);
    const fault = index < 0 ? undefined : this.planned.splice(index, 1)[0]?.fault;
    if (fault === "crashBefore") this.kill();
    await this.#alive();
    if (fault === "none") throw new LayerUnavailableError("Not connected.", { effect: "none" });
    if (fault === "script") throw new LayerUnavailableError("The script fails.", { effect: "refused" });
    if (fault === "before") throw new LayerUnavailableError("The connection broke.");
    if (fault === "ghost") {
      setTimeout(() => void this.#store.execute(this.#node, work).catch(() => {}), lateMs / 4);
      throw new LayerUnavailableError("The connection broke.");
    }
    const reply = await this.#store.execute(this.#node, work);
    if (fault === "after") throw new LayerUnavailableError("The connection broke.");
    if (fault === "slow") await new Promise<void>((resolve) => void setTimeout(resolve, lateMs));
    if (fault === "crashAfter") this.kill();
    await this.#alive();
    return reply;
  }

  /** Waits while the node is frozen. Never resolves once it is dead. */
  async #alive(): Promise<void> {
    await this.#frozen?.thawed;
    if (this.#isDead) await new Promise<never>(() => {});
  }

  async open(): Promise<readonly Error[]> {
    return [];
  }

  async close(): Promise<void> {}

  partitions(kind: string, count: number): Promise<number> {
    return this.#call(undefined, (state) => state.partitions(kind, count));
  }

  beat(kind: string, member: Member, leaseMs: number): Promise<Membership> {
    return this.#call("beat", (state) => state.beat(kind, member, leaseMs));
  }

  members(kind: string): Promise<Membership> {
    return this.#call(undefined, (state) => state.members(kind));
  }

  leave(kind: string, node: string): Promise<void> {
    return this.#call(undefined, (state) => state.leave(kind, node));
  }

  claim(partition: Partition, claim: Parameters<StateBackend["claim"]>[1]): Promise<Claim> {
    return this.#call("claim", (state) => state.claim(partition, claim));
  }

  release(partition: Partition, token: string): Promise<void> {
    return this.#call("release", (state) => state.release(partition, token));
  }

  ship(partition: Partition, shipment: Shipment): Promise<ShipmentReply> {
    return this.#call("ship", (state) => state.ship(partition, shipment));
  }

  turn(partition: Partition, turn: Turn): Promise<TurnReply> {
    return this.#call("turn", (state) => state.turn(partition, turn));
  }

  read(partition: Partition, key: string): Promise<StoredActor> {
    return this.#call(undefined, (state) => state.read(partition, key));
  }

  replace(...given: Parameters<StateBackend["replace"]>): Promise<readonly Uint8Array[]> {
    return this.#call(undefined, (state) => state.replace(...given));
  }

  resume(partition: Partition, key: string): Promise<boolean> {
    return this.#call(undefined, (state) => state.resume(partition, key));
  }

  keys(partition: Partition): Promise<readonly string[]> {
    return this.#call(undefined, (state) => state.keys(partition));
  }

  describe(partition: Partition): Promise<StoredPartition> {
    return this.#call(undefined, (state) => state.describe(partition));
  }

  deadLetters(partition: Partition): Promise<readonly Uint8Array[]> {
    return this.#call(undefined, (state) => state.deadLetters(partition));
  }

  async subscribe(topic: StateTopic, { payload, gap }: StateSubscription): Promise<void> {
    const whenAwake = (then: () => void) => void this.#alive().then(then);
    const heard: StateSubscription = {
      payload: (bytes) => {
        if (!this.isDeaf) whenAwake(() => payload(bytes));
      },
      gap: () => whenAwake(gap),
    };
    const name = JSON.stringify(topic);
    this.#subscriptions.set(name, heard);
    await this.#call("subscribe", async () => {
      if (this.#subscriptions.get(name) === heard) this.#store.subscribe(this.#node, topic, heard);
    });
  }

  async unsubscribe(topic: StateTopic): Promise<void> {
    const name = JSON.stringify(topic);
    this.#subscriptions.delete(name);
    // One connection has all subscriptions of a node. So a late call cannot undo what the node did after it.
    await this.#call("unsubscribe", async () => {
      if (!this.#subscriptions.has(name)) this.#store.unsubscribe(this.#node, topic);
    });
  }
}
