import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { systemClock, unref } from "../../layers/clock.ts";
import { LayerUnavailableError } from "../../layers/errors.ts";
import { jitter } from "../../layers/jitter.ts";
import type { LayerState } from "../../layers/layer-state.ts";
import { rendezvous } from "../../layers/rendezvous.ts";
import { pause } from "../../layers/retry.ts";
import type { Membership, Partition } from "../../layers/state-backend.ts";
import { OwnedPartition } from "./owned-partition.ts";
import type { PartitionContext } from "./owner-context.ts";

/** The pause between two renewals of the membership, in milliseconds. */
const beatMs = 400;
/** The time after which a node that does not renew its membership is not a member any more, in milliseconds. */
const leaseMs = 2_500;
/** The pause between two renewals that were requested, in milliseconds. */
const checkAgainMs = 20;
/** The first pause before another attempt to claim a partition that its owner should free, in milliseconds. */
const claimAgainMs = 50;
/** The number of attempts to claim a partition. The last one takes the partition, about 1.6 s after the first. */
const maxClaims = 7;
/** The number of claims and releases that are under way at a time. */
const concurrency = 32;

export interface OwnershipOptions {
  readonly kind: string;
  readonly partitions: number;
  readonly version: number;
  /** The id of this node as a member. New for each process. */
  readonly node: string;
  readonly state: LayerState;
  readonly idleMs: number;
  /** Reports an error that no caller receives. */
  readonly report: (error: unknown) => void;
  /** A partition has no owner, because only lower versions of the machine are alive. */
  readonly waitsForVersion: (partition: number, version: number) => void;
}

/**
 * Claims the partitions of a kind that this node should own, and frees the others. Rendezvous hashing over the members
 * says which node should own a partition. The store says which node does.
 */
export class Ownership {
  readonly #options: OwnershipOptions;
  readonly #partitionContext: Omit<PartitionContext, "lost">;
  readonly #owned = new Map<number, OwnedPartition>();
  readonly #told = new Set<number>();
  #membership: Membership = { members: [], versions: new Map() };
  readonly #stopping = new AbortController();
  #checking: Promise<void> | undefined;
  #reassignment: Promise<void> | undefined;
  #isCheckDue = false;
  #timer: unknown;
  #sweepTimer: unknown;

  constructor(options: OwnershipOptions, partitionContext: Omit<PartitionContext, "lost">) {
    this.#options = options;
    this.#partitionContext = partitionContext;
  }

  /** The partitions that this node owns, by index. */
  get owned(): ReadonlyMap<number, OwnedPartition> {
    return this.#owned;
  }

  /** Joins the members, and claims the first partitions. Can be repeated. @throws {LayerUnavailableError} */
  async start(): Promise<void> {
    const { kind, state } = this.#options;
    await state.run((backend) =>
      backend.subscribe({ kind, topic: "members" }, { payload: () => this.check(), gap: () => this.check() }),
    );
    await this.#beat();
    if (this.#stopping.signal.aborted) return;
    this.#sweep();
    await this.#reassignSoon();
    this.check();
  }

  /** Renews the membership now, and compares the members with the partitions. */
  check(): void {
    this.#isCheckDue = true;
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined;
    });
  }

  /** Hands all partitions over to the other members, if there are any or if `isLast` is true. */
  async stop(isLast: boolean): Promise<void> {
    const { kind, node, state, report } = this.#options;
    if (!isLast && this.#membership.members.every((member) => member.node === node)) return;
    const isFirstCall = !this.#stopping.signal.aborted;
    this.#stopping.abort();
    systemClock.clearTimeout(this.#timer);
    systemClock.clearTimeout(this.#sweepTimer);
    await this.#checking;
    await this.#reassignment;
    if (isFirstCall) await state.run((backend) => backend.leave(kind, node)).catch(report);
    await inParallel([...this.#owned.keys()], (index) => this.#release(index));
    if (!isFirstCall) return;
    await state.run((backend) => backend.unsubscribe({ kind, topic: "members" })).catch(report);
  }

  async #beat(): Promise<void> {
    const { kind, node, version, state } = this.#options;
    const found = await state.run((backend) => backend.beat(kind, { node, version }, leaseMs));
    // The same object tells that nothing has changed.
    if (!isDeepStrictEqual(found, this.#membership)) this.#membership = found;
  }

  async #check(): Promise<void> {
    const { signal } = this.#stopping;
    systemClock.clearTimeout(this.#timer);
    while (this.#isCheckDue && !signal.aborted) {
      this.#isCheckDue = false;
      try {
        await this.#beat();
      } catch (error) {
        // The connection reports an outage itself, and the next beat tries again.
        if (!(error instanceof LayerUnavailableError)) this.#options.report(error);
      }
      void this.#reassignSoon();
      if (this.#isCheckDue) await pause(checkAgainMs, systemClock, signal);
    }
    if (signal.aborted) return;
    this.#timer = systemClock.setTimeout(() => this.check(), jitter(beatMs, 0.75, 1));
    unref(this.#timer);
  }

  #reassignSoon(): Promise<void> {
    this.#reassignment ??= this.#reassign().finally(() => {
      this.#reassignment = undefined;
    });
    return this.#reassignment;
  }

  /** Claims and frees partitions until the members have the partitions that they should have. */
  async #reassign(): Promise<void> {
    const { node, partitions, report } = this.#options;
    const { signal } = this.#stopping;
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      const members = this.#membership;
      const changes = Array.from({ length: partitions }, (_, index) => index).filter(
        (index) => (this.#rightful(index) === node) !== this.#owned.has(index),
      );
      let isWaiting = false;
      await inParallel(changes, async (index) => {
        if (this.#owned.has(index)) await this.#release(index);
        else if (!(await this.#claim(index, attempt % maxClaims === 0))) isWaiting = true;
      }).catch((error: unknown) => {
        if (!(error instanceof LayerUnavailableError)) report(error);
      });
      if (members !== this.#membership) attempt = 0;
      else if (!isWaiting) return;
      else await pause(Math.min(beatMs, claimAgainMs * 2 ** (attempt - 1)), systemClock, signal);
    }
  }

  #sweep(): void {
    systemClock.clearTimeout(this.#sweepTimer);
    const { idleMs } = this.#options;
    for (const partition of this.#owned.values()) partition.sleep(performance.now() - idleMs);
    this.#sweepTimer = systemClock.setTimeout(() => this.#sweep(), Math.max(1_000, idleMs / 4));
    unref(this.#sweepTimer);
  }

  /** The member that should own a partition. Undefined if all members have a version that is too low. */
  #rightful(index: number): string | undefined {
    const { members, versions } = this.#membership;
    const lowest = versions.get(index) ?? 1;
    const able = members.filter(({ version }) => version >= lowest).map(({ node }) => node);
    const owner = able.length === 0 ? undefined : rendezvous(able)(`${index}`);
    if (owner !== undefined) this.#told.delete(index);
    else if (members.length > 0 && !this.#told.has(index)) {
      this.#told.add(index);
      this.#options.waitsForVersion(index, lowest);
    }
    return owner;
  }

  /**
   * Returns false if the owner is alive, and should free the partition soon.
   * @param isLast whether to take the partition from an owner that does not free it: it may have forgotten the
   *   partition, for example after a failover of the store
   */
  async #claim(index: number, isLast: boolean): Promise<boolean> {
    const { kind, node, version, state } = this.#options;
    const partition: Partition = { kind, index };
    const token = randomUUID();
    const claim = (dead: readonly string[]) =>
      state.run((backend) => backend.claim(partition, { node, token, version, dead }));
    let { outcome, ...owner } = await claim([]);
    if (outcome === "theirs" && "node" in owner) {
      const { node: other } = owner;
      // An earlier claim of this node may have been executed although its reply is lost.
      const isAlive = other !== node && this.#membership.members.some((member) => member.node === other);
      if (isAlive && !isLast) return false;
      ({ outcome } = await claim([other]));
    }
    // If a newer version owns the partition, the next beat tells all members so.
    if (outcome !== "mine") return outcome === "newer";
    const owned: OwnedPartition = new OwnedPartition(partition, token, {
      ...this.#partitionContext,
      lost: () => this.#lost(index, owned),
    });
    this.#owned.set(index, owned);
    try {
      await owned.start();
    } catch (error) {
      this.#owned.delete(index);
      throw error;
    }
    return true;
  }

  async #release(index: number): Promise<void> {
    const owned = this.#owned.get(index);
    this.#owned.delete(index);
    await owned?.release().catch(this.#options.report);
  }

  #lost(index: number, owned: OwnedPartition): void {
    if (this.#owned.get(index) === owned) this.#owned.delete(index);
    if (!this.#stopping.signal.aborted) this.check();
  }
}

/** Settles once all work has ended, because a failure must not leave work behind. @throws the first failure */
async function inParallel(indices: readonly number[], work: (index: number) => Promise<void>): Promise<void> {
  const left = [...indices];
  const failures: unknown[] = [];
  const worker = async () => {
    for (let index = left.shift(); index !== undefined; index = left.shift()) {
      await work(index).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, left.length) }, worker));
  if (failures.length > 0) throw failures[0];
}
