import { runOwned } from "../../layers/async-errors.ts";
import { systemClock, unref, wallTimeOf } from "../../layers/clock.ts";
import {
  type Commit,
  isReplaced,
  keysOf,
  type Partition,
  type Shipment,
  type ShipmentReply,
  type Taken,
  type TurnReply,
} from "../../layers/state-backend.ts";
import { type OutboxRecord, reasonOf } from "../records.ts";
import { readVersion } from "../versions.ts";
import { Activation } from "./activation.ts";
import { ActiveActors, type PendingWork } from "./active-actors.ts";
import { OutboxRelay } from "./outbox-relay.ts";
import type { ActorContext, PartitionContext } from "./owner-context.ts";
import { type TurnParts, TurnSender } from "./turn-sender.ts";

/** The maximum number of actors whose messages one turn takes. */
const maxTakes = 64;
/** The maximum number of actors that one turn puts to sleep. */
const maxAsleep = 1_000;
/** The maximum number of due actors that one turn returns. */
const maxDue = 256;
/** The number of undelivered outbox entries from which a partition takes no messages. */
const maxUndelivered = 10_000;
/** The budget for a step, in units of the scheduler. */
const unitsPerStep = 10;
/** The pause after which delivered outbox entries are removed from the store, in milliseconds. */
const trimMs = 200;

/**
 * One partition that this node owns. It handles the messages and delays of its actors in a loop. Each round of the loop
 * is one request to the store: it commits the steps of the last round, and takes the next messages.
 */
export class OwnedPartition {
  readonly partition: Partition;
  readonly #token: string;
  readonly #context: PartitionContext;
  readonly #actorContext: ActorContext;
  readonly #relay: OutboxRelay;
  readonly #actors: ActiveActors;
  readonly #turns: TurnSender;
  readonly #ending = new AbortController();
  #dead: Commit[] = [];
  #listWaiting = true;
  #checkDue = true;
  #outboxAfter: number | undefined = 0;
  #trimmed = 0;
  #isTrimDue = false;
  /** Milliseconds from the wall time of this node to the time of the store. */
  #offset = 0;
  #timer: unknown;
  #trimTimer: unknown;
  #isReleasing = false;
  #running: Promise<void> | undefined;

  constructor(partition: Partition, token: string, context: PartitionContext) {
    this.partition = partition;
    this.#token = token;
    this.#context = context;
    this.#actors = new ActiveActors(context.clock, () => this.#kick());
    this.#turns = new TurnSender(partition, token, context, this.#ending.signal);
    this.#actorContext = { ...context, partition: partition.index, now: () => this.#now };
    this.#relay = new OutboxRelay({
      ...context.targets(partition),
      buried: ({ record }, error) => this.#bury(record, error),
      progressed: () => this.#scheduleTrim(),
    });
  }

  /** The actors in memory. */
  get actors(): ReadonlyMap<string, Activation> {
    return this.#actors.byKey;
  }

  /** Listens to the partition, and continues with everything that waits in it. @throws {LayerUnavailableError} */
  async start(): Promise<void> {
    const { state } = this.#context;
    try {
      await state.run((backend) =>
        backend.subscribe(
          { partition: this.partition, topic: "wake" },
          { payload: (payload) => this.#woken(payload), gap: () => this.scan() },
        ),
      );
    } catch (error) {
      // A gap may have begun a turn meanwhile, which must not end the subscription of a later claim.
      this.#end();
      throw error;
    }
    this.#kick();
  }

  /** Looks for messages and deadlines whose announcements may have been lost. */
  scan(): void {
    this.#listWaiting = true;
    this.#checkDue = true;
    this.#kick();
  }

  /** Puts actors without a step since `before` to sleep, in milliseconds of `performance.now`. */
  sleep(before: number): void {
    this.#actors.sleep(before, this.#context.maxActive);
    if (this.#actors.asleep > 0) this.#kick();
  }

  /** Stores messages of this node with the next turn: see {@link TurnSender.ship}. */
  async ship(form: () => Shipment): Promise<ShipmentReply | undefined> {
    if (this.#isReleasing) return undefined;
    const shipped = this.#turns.ship(form);
    this.#kick();
    return shipped;
  }

  /** Commits the steps that are done, and frees the partition for another node. */
  async release(): Promise<void> {
    this.#isReleasing = true;
    this.#kick();
    await this.#running;
    const wasOwned = !this.#ending.signal.aborted;
    this.#end();
    const { state } = this.#context;
    try {
      if (wasOwned) await state.run((backend) => backend.release(this.partition, this.#token));
    } finally {
      // A partition to which no node listens is free, even if the store has not executed the release.
      await this.#unsubscribe();
    }
  }

  /** Stops at once, because another node owns the partition. */
  #lose(): void {
    if (this.#ending.signal.aborted) return;
    this.#end();
    void this.#unsubscribe().catch(() => {});
    this.#context.lost(this.partition);
  }

  #unsubscribe(): Promise<void> {
    return this.#context.state.run((backend) =>
      backend.unsubscribe({ partition: this.partition, topic: "wake" }),
    );
  }

  #end(): void {
    this.#ending.abort();
    this.#turns.refuse();
    this.#relay.stop();
    const { clock } = this.#context;
    clock.clearTimeout(this.#timer);
    systemClock.clearTimeout(this.#trimTimer);
    this.#actors.clear();
  }

  get #now(): number {
    return wallTimeOf(this.#context.clock) + this.#offset;
  }

  #woken(payload: Uint8Array): void {
    const keys = keysOf(payload);
    for (const key of keys) {
      if (isReplaced(payload)) this.#actors.replaced(key);
      this.#actors.makeReady(key);
    }
    // Without keys, the owner may have changed: the next turn tells.
    if (keys.length === 0) this.#checkDue = true;
    this.#kick();
  }

  #kick(): void {
    if (this.#running !== undefined || this.#ending.signal.aborted) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      if (this.#hasWork && !this.#ending.signal.aborted) this.#kick();
    });
  }

  get #hasWork(): boolean {
    const mustStore =
      this.#actors.pending + this.#actors.asleep + this.#dead.length > 0 ||
      this.#isTrimDue ||
      this.#turns.hasShipment;
    if (mustStore || this.#isReleasing) return mustStore;
    const mustRead = this.#listWaiting || this.#checkDue || this.#outboxAfter !== undefined;
    return mustRead || (this.#takesMessages && this.#actors.hasReady);
  }

  async #run(): Promise<void> {
    // The events of one turn of the event loop are handled together.
    await undefined;
    while (this.#hasWork && !this.#ending.signal.aborted) await this.#round();
  }

  get #takesMessages(): boolean {
    // Entries that are added now must not be read together with the stored ones.
    const isLoading = this.#outboxAfter !== undefined;
    return !this.#isReleasing && !isLoading && this.#relay.pending <= maxUndelivered;
  }

  async #round(): Promise<void> {
    const pending = this.#actors.takePending();
    const commits = [...pending.map(({ commit }) => commit), ...this.#dead];
    const shipment = this.#turns.takeShipment();
    for (const { key } of shipment?.messages ?? []) this.#actors.makeReady(key);
    const keys = this.#takesMessages ? this.#actors.takeReady(maxTakes) : [];
    const relayed = this.#relay.relayed;
    const turn: TurnParts = {
      commits,
      asleep: this.#actors.takeAsleep(maxAsleep),
      ...(shipment && { shipment }),
      takes: keys.map((key) => ({ key, load: this.#actors.get(key) === undefined })),
      relayed,
      replicas: this.#context.replicas,
      listWaiting: this.#listWaiting && !this.#isReleasing,
      due: this.#checkDue && !this.#isReleasing ? maxDue : 0,
      ...(this.#outboxAfter !== undefined && !this.#isReleasing && { outboxAfter: this.#outboxAfter }),
    };
    this.#dead = [];
    this.#isTrimDue = false;
    this.#listWaiting = false;
    this.#checkDue = false;
    const sentAt = wallTimeOf(this.#context.clock);
    const reply = await this.#turns.send(turn);
    if (reply === undefined) {
      this.#end();
      return;
    }
    if (!reply.isOwner) {
      this.#lose();
      return;
    }
    this.#trimmed = relayed;
    // A reply that waited in this process is older than it seems. The true offset lies between these two.
    const latest = reply.now - sentAt;
    this.#offset = Math.min(latest, Math.max(this.#offset, reply.now - wallTimeOf(this.#context.clock)));
    this.#actors.stored();
    this.#readOutbox(turn, reply);
    this.#settle(pending, turn, reply);
    for (const key of reply.waiting) this.#actors.makeReady(key);
    for (const key of reply.due) this.#actors.makeDue(key);
    if (turn.due > 0 || commits.length > 0) this.#arm(reply);
    if (reply.taken.length > 0) await this.#workInTurns(reply.taken);
  }

  /** Lets actors work, in the time that named actors have in each turn of the event loop. */
  #workInTurns(taken: readonly Taken[]): Promise<void> {
    let next = 0;
    return new Promise((resolve) =>
      this.#context.lane.add({
        run: (budget) => {
          const hasTime = () => {
            budget.charge(unitsPerStep);
            return budget.hasTime;
          };
          do {
            const one = taken[next];
            if (one === undefined || this.#ending.signal.aborted) {
              resolve();
              return true;
            }
            next += 1;
            runOwned(this.#context.owner, () => this.#work(one, hasTime));
          } while (budget.hasTime);
          return false;
        },
      }),
    );
  }

  /** Continues the actors whose steps are stored. */
  #settle(pending: readonly PendingWork[], { commits }: TurnParts, reply: TurnReply): void {
    const conflicts = new Map(reply.conflicts.map(({ index, version }) => [index, version]));
    const added = commits.reduce(
      (sum, { outbox }, index) => sum + (conflicts.has(index) ? 0 : outbox.length),
      0,
    );
    let number = reply.outboxEnd - added;
    for (const [index, { actor, commit, work }] of pending.entries()) {
      if (conflicts.has(index)) {
        this.#conflict(actor, conflicts.get(index));
        continue;
      }
      for (const record of work.outbox) {
        number += 1;
        this.#relay.add({ number, record });
      }
      runOwned(this.#context.owner, () => actor.committed(commit));
      if (commit.parked !== undefined) this.#actors.drop(actor);
      else if (commit.remove) this.#actors.putToSleep(actor);
      for (const { ask, answer } of work.answers) this.#context.answer(ask, answer);
    }
  }

  /** The actor was deleted or replaced, or the store has lost a commit. Or it has lost messages: the sender reports it. */
  #conflict(actor: Activation, found: string | undefined): void {
    const committed = actor.version;
    this.#actors.drop(actor);
    this.#actors.makeReady(actor.key);
    if (committed === undefined || found === undefined || committed === found) return;
    if (readVersion(committed).incarnation === readVersion(found).incarnation)
      this.#context.rolledBack(actor.key, committed, found);
  }

  #readOutbox({ outboxAfter }: TurnParts, { outbox, outboxEnd }: TurnReply): void {
    if (outboxAfter === undefined) return;
    const [first] = outbox;
    if (outboxAfter === 0) this.#relay.begin(first === undefined ? outboxEnd : first.number - 1);
    for (const { number, payload } of outbox) {
      try {
        this.#relay.add({
          number,
          record: this.#context.codec.unpack("outbox", this.partition.index, payload),
        });
      } catch (error) {
        this.#relay.skip(number);
        this.#context.report(error, "", "outbox");
      }
    }
    const last = outbox.at(-1)?.number ?? outboxEnd;
    this.#outboxAfter = last < outboxEnd ? last : undefined;
  }

  #work(taken: Taken, hasTime: () => boolean): void {
    const { key, messages } = taken;
    const known = this.#actors.get(key);
    if (known === undefined && taken.loads === 0) {
      // A conflict has removed the actor from the memory, so its snapshot was not requested. Or the store has left it
      // for a later turn, because it loads only one actor at a time that may have ended the process.
      this.#actors.makeReady(key);
      return;
    }
    const actor = known ?? new Activation(key, this.#actorContext, () => this.#touch(key));
    if (taken.parked !== undefined) {
      this.#actors.drop(actor);
      return;
    }
    if (known === undefined) {
      this.#actors.add(actor);
      try {
        actor.load(taken);
      } catch (error) {
        this.#actors.store({ actor, commit: actor.parkUnloadable(error), work: { answers: [], outbox: [] } });
        return;
      }
    }
    actor.lastUsedAt = performance.now();
    // An actor that wakes for nothing was resumed: parking has removed its deadline from the store.
    const isResumed = known === undefined && messages.length === 0;
    const isDue = this.#actors.takeDue(key) || isResumed;
    const { commit, hasMore, retryInMs, ...work } = actor.work(messages, isDue, hasTime);
    if (commit !== undefined) this.#actors.store({ actor, commit, work });
    if (hasMore || taken.hasMore) this.#actors.makeReady(key);
    if (retryInMs !== undefined) this.#actors.pauseFor(key, retryInMs, isDue);
  }

  #touch(key: string): void {
    this.#actors.makeReady(key);
    this.#kick();
  }

  #arm({ nextDeadline }: TurnReply): void {
    const { clock } = this.#context;
    clock.clearTimeout(this.#timer);
    if (nextDeadline === undefined) return;
    const fire = () => {
      this.#checkDue = true;
      this.#kick();
    };
    this.#timer = clock.setTimeout(fire, Math.max(0, Math.ceil(nextDeadline - this.#now)));
    unref(this.#timer);
  }

  #scheduleTrim(): void {
    if (this.#trimTimer !== undefined) return;
    this.#trimTimer = systemClock.setTimeout(() => {
      this.#trimTimer = undefined;
      this.#isTrimDue = this.#relay.relayed !== this.#trimmed;
      // There may be room for messages again.
      this.#kick();
    }, trimMs);
    unref(this.#trimTimer);
  }

  /** Adds an undeliverable entry to the dead letters. */
  #bury(record: OutboxRecord, error: Error): void {
    const { codec } = this.#context;
    const reason = reasonOf(error);
    const dead = codec.packDead(this.partition.index, { key: "", reason, at: this.#now, entry: record });
    this.#dead.push({ key: "", from: undefined, taken: 0, outbox: [], dead: [dead] });
    this.#context.buried("", reason);
    this.#context.report(error, "", "outbox");
    this.#kick();
  }
}
