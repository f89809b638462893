import type {
  Claim,
  Commit,
  Shipment,
  ShipmentOutcome,
  ShipmentReply,
  StateBackend,
  StoredActor,
  StoredPartition,
  Take,
  Taken,
  Turn,
  TurnReply,
} from "../state-backend.ts";
import { DeadlineList } from "./deadline-list.ts";
import { firstOf } from "./first-of.ts";
import { MemoryActor } from "./memory-actor.ts";

const maxDeadLetters = 1_000;
/** Beyond this number of senders, a claim forgets those that were silent for a day. */
const maxSenders = 1_000;
const forgetAfterMs = 86_400_000;

/** The topics on which a partition tells nodes of changes. */
export interface PartitionTopics {
  /** Returns whether a node listens to the partition. */
  isHeard(): boolean;
  /** Publishes a `wake` for these keys, or an empty one. */
  wake(keys?: readonly string[]): void;
  /** Publishes a `wake` for an actor that was replaced or removed. */
  replaced(key: string): void;
  view(key: string, payload: Uint8Array): void;
}

interface Owner {
  readonly node: string;
  readonly token: string;
  /** The number of the last turn, and its conflicts. */
  turn: number;
  conflicts: TurnReply["conflicts"];
}

interface Sender {
  readonly last: number;
  /** The last number before the last shipment that has changed it. */
  readonly previous: number;
  readonly at: number;
  /** The outcomes other than `stored` in the last shipment. */
  readonly refused: ReadonlyMap<number, ShipmentOutcome>;
}

interface OutboxEntry {
  readonly number: number;
  readonly payload: Uint8Array;
}

/** One partition of a kind on a `MemoryBus`. The methods are those of {@link StateBackend}. */
export class MemoryPartition {
  version = 1;
  readonly #topics: PartitionTopics;
  readonly #now: () => number;
  readonly #actors = new Map<string, MemoryActor>();
  readonly #deadlines = new DeadlineList();
  readonly #senders = new Map<string, Sender>();
  readonly #dead: Uint8Array[] = [];
  #owner: Owner | undefined;
  readonly #outbox: OutboxEntry[] = [];
  #outboxEnd = 0;

  /** @param now the time of the store's clock. */
  constructor(topics: PartitionTopics, now: () => number) {
    this.#topics = topics;
    this.#now = now;
  }

  claim({ node, token, version, dead }: Parameters<StateBackend["claim"]>[1]): Claim {
    if (version < this.version) return { outcome: "newer", version: this.version };
    const owner = this.#owner;
    if (owner?.token === token) return { outcome: "mine" };
    const isTaken = owner !== undefined && this.#topics.isHeard() && !dead.includes(owner.node);
    if (isTaken) return { outcome: "theirs", node: owner.node };
    this.#owner = { node, token, turn: 0, conflicts: [] };
    this.version = version;
    this.#forgetSenders();
    if (owner !== undefined) this.#topics.wake();
    return { outcome: "mine" };
  }

  release(token: string): void {
    if (this.#owner?.token !== token) return;
    this.#owner = undefined;
    this.#forgetLoads([...this.#actors.keys()]);
  }

  ship(shipment: Shipment): ShipmentReply {
    const isHeard = this.#topics.isHeard();
    const { woken, ...reply } = this.#store(shipment);
    if (woken.size > 0) this.#topics.wake([...woken]);
    return { ...reply, isHeard };
  }

  /** Stores the messages of a shipment. Also returns the keys that have new ones. */
  #store({ sender, messages, capacity, bytes, stopAtFull }: Shipment) {
    const at = this.#now();
    const { last = 0, previous = 0, refused } = this.#senders.get(sender) ?? {};
    const outcomes: ShipmentOutcome[] = [];
    const nowRefused = new Map<number, ShipmentOutcome>();
    const woken = new Set<string>();
    let highest = last;
    for (const message of messages) {
      const { key, number, payload, isAsk } = message;
      const isNew = number > last;
      const outcome = isNew
        ? this.#change(key, (actor): ShipmentOutcome => {
            if (isAsk && actor.parked !== undefined) return "parked";
            if (!actor.hasRoom(payload, { capacity, bytes })) return "full";
            actor.enqueue(message, at);
            return "stored";
          })
        : (refused?.get(number) ?? "stored");
      outcomes.push(outcome);
      if (isNew && outcome === "full" && stopAtFull) break;
      if (isNew) highest = number;
      if (outcome === "stored") woken.add(key);
      else nowRefused.set(number, outcome);
    }
    const before = highest === last ? previous : last;
    this.#senders.set(sender, { last: highest, previous: before, at, refused: nowRefused });
    const isRepeated = messages.length > 0 && messages.every(({ number }) => number <= last);
    return { outcomes, known: isRepeated ? previous : last, woken };
  }

  turn(turn: Turn): TurnReply {
    const now = this.#now();
    const owner = this.#owner;
    if (owner === undefined || owner.token !== turn.token) return notOwner(now);
    const isNew = turn.number > owner.turn;
    if (isNew) {
      owner.turn = turn.number;
      owner.conflicts = this.#commitAll(turn.commits);
      this.#forgetLoads(turn.asleep);
    }
    const shipped = turn.shipment && this.#store(turn.shipment);
    const isSuspect = ({ key, load }: Take) => load && (this.#actors.get(key)?.loads ?? 0) > 0;
    const [first, ...left] = turn.takes.filter(isSuspect);
    const taken = turn.takes.map((take) => this.#take(take, take !== first && left.includes(take), isNew));
    this.#outbox.splice(0, this.#outboxIndex(turn.relayed));
    const { keys, next } = this.#deadlines.due(now, turn.due);
    return {
      isOwner: true,
      now,
      conflicts: owner.conflicts,
      shipped: shipped && { outcomes: shipped.outcomes, known: shipped.known, isHeard: true },
      taken,
      waiting: turn.listWaiting ? this.#keysWith((actor) => actor.waiting > 0) : [],
      due: keys,
      nextDeadline: next,
      outbox:
        turn.outboxAfter === undefined ? [] : firstOf(this.#outbox, this.#outboxIndex(turn.outboxAfter)),
      outboxEnd: this.#outboxEnd,
    };
  }

  read(key: string): StoredActor {
    const { state, waiting = 0, parked, deadline } = this.#actors.get(key) ?? {};
    return { state, mailbox: waiting, parked, deadline, now: this.#now() };
  }

  replace(
    key: string,
    state: Parameters<StateBackend["replace"]>[2],
    view: Uint8Array | undefined,
  ): readonly Uint8Array[] {
    const payloads = this.#change(key, (actor) => {
      actor.isDeleted = actor.state === undefined && actor.waiting > 0;
      actor.state = state && stored(state);
      actor.deadline = state?.deadline;
      actor.parked = undefined;
      actor.loads = 0;
      return actor.remove(actor.waiting);
    });
    if (view !== undefined) this.#topics.view(key, view);
    this.#topics.replaced(key);
    return payloads;
  }

  resume(key: string): boolean {
    const isParked = this.#change(key, (actor) => {
      const { parked } = actor;
      actor.parked = undefined;
      if (parked !== undefined && actor.state !== undefined) actor.deadline = this.#now();
      return parked !== undefined;
    });
    this.#topics.wake([key]);
    return isParked;
  }

  keys(): readonly string[] {
    return this.#keysWith((actor) => actor.state !== undefined);
  }

  describe(): StoredPartition {
    const parked = [...this.#actors].flatMap(([key, { parked }]) =>
      parked === undefined ? [] : [{ key, reason: parked }],
    );
    return {
      owner: this.#owner?.node,
      version: this.version,
      actors: this.keys().length,
      waiting: this.#keysWith((actor) => actor.waiting > 0).length,
      parkedActors: parked.length,
      parked: parked.slice(0, 100),
      deadLetters: this.#dead.length,
      outbox: this.#outbox.length,
      nextDeadline: this.#deadlines.due(Number.NEGATIVE_INFINITY, 0).next,
      now: this.#now(),
    };
  }

  deadLetters(limit: number): readonly Uint8Array[] {
    return this.#dead.slice(-limit);
  }

  #commitAll(commits: readonly Commit[]): TurnReply["conflicts"] {
    const conflicts: { readonly index: number; readonly version: string | undefined }[] = [];
    for (const [index, commit] of commits.entries()) {
      const actor = this.#actors.get(commit.key);
      const version = actor?.state?.version;
      const isDeleted = version === undefined && actor?.isDeleted;
      const { from, taken, lastTaken } = commit;
      const isLost = lastTaken !== undefined && actor?.idOf(taken) !== lastTaken;
      if (version === from && !isDeleted && !isLost) this.#commit(commit);
      else conflicts.push({ index, version });
    }
    return conflicts;
  }

  #commit({ key, state, taken, deadline, view, outbox, dead, parked, remove }: Commit): void {
    this.#change(key, (actor) => {
      actor.loads = 0;
      actor.remove(taken);
      actor.deadline = remove ? undefined : deadline;
      if (remove) {
        actor.state = undefined;
        actor.parked = undefined;
        return;
      }
      if (state !== undefined) actor.state = stored(state);
      if (parked !== undefined) actor.parked = parked;
    });
    this.#addToOutbox(outbox);
    this.#dead.push(...dead);
    if (this.#dead.length > maxDeadLetters) this.#dead.splice(0, this.#dead.length - maxDeadLetters);
    if (view !== undefined) this.#topics.view(key, view);
  }

  /**
   * @param isLeft whether the actor is left for a later turn: see {@link Take.load}
   * @param isNew whether the turn is not repeated, so that the load counts
   */
  #take({ key, load }: Take, isLeft: boolean, isNew: boolean): Taken {
    if (isLeft) return { key, state: undefined, messages: [], hasMore: true, loads: 0, parked: undefined };
    return this.#change(key, (actor) => {
      if (load && isNew) {
        actor.loads += 1;
        actor.isDeleted = false;
      }
      const messages = actor.first();
      return {
        key,
        state: load ? actor.state : undefined,
        messages,
        hasMore: actor.waiting > messages.length,
        loads: load ? actor.loads : 0,
        parked: actor.parked,
      };
    });
  }

  /** Changes an actor, keeps its deadline in order, and forgets it if it is blank. */
  #change<T>(key: string, change: (actor: MemoryActor) => T): T {
    const known = this.#actors.get(key);
    const actor = known ?? new MemoryActor();
    const before = actor.deadline;
    const result = change(actor);
    if (before !== actor.deadline) {
      if (before !== undefined) this.#deadlines.remove(before, key);
      if (actor.deadline !== undefined) this.#deadlines.add(actor.deadline, key);
    }
    if (actor.isBlank) this.#actors.delete(key);
    else if (known === undefined) this.#actors.set(key, actor);
    return result;
  }

  #keysWith(holds: (actor: MemoryActor) => boolean): readonly string[] {
    return [...this.#actors].flatMap(([key, actor]) => (holds(actor) ? [key] : []));
  }

  #forgetLoads(keys: readonly string[]): void {
    for (const key of keys) {
      this.#change(key, (actor) => {
        actor.loads = 0;
        actor.isDeleted = false;
      });
    }
  }

  #addToOutbox(payloads: readonly Uint8Array[]): void {
    for (const payload of payloads) {
      this.#outboxEnd += 1;
      this.#outbox.push({ number: this.#outboxEnd, payload });
    }
  }

  /** The index of the first entry of the outbox with a higher number. The numbers have no gaps. */
  #outboxIndex(after: number): number {
    const first = this.#outboxEnd - this.#outbox.length + 1;
    return Math.min(Math.max(after + 1 - first, 0), this.#outbox.length);
  }

  #forgetSenders(): void {
    if (this.#senders.size <= maxSenders) return;
    const before = this.#now() - forgetAfterMs;
    for (const [name, { at }] of this.#senders) if (at < before) this.#senders.delete(name);
  }
}

/** Copies a snapshot, because its data may be a view of a larger buffer, which would stay in memory. */
function stored({ version, data }: { readonly version: string; readonly data: Uint8Array }) {
  return { version, data: new Uint8Array(data) };
}

const notOwner = (now: number): TurnReply => ({
  isOwner: false,
  now,
  conflicts: [],
  shipped: undefined,
  taken: [],
  waiting: [],
  due: [],
  nextDeadline: undefined,
  outbox: [],
  outboxEnd: 0,
});
