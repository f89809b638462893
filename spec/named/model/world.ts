import { MemoryBus } from "../../../layers/memory/memory-bus.ts";
import { NotStoredError, OutcomeUnknownError } from "../../../named/errors.ts";
import { type Fault, type FaultyCall, faults, faultyCalls } from "./faulty-state.ts";
import { sink } from "./machine.ts";
import { ModelNode, partitions } from "./model-node.ts";
import { ModelStore } from "./model-store.ts";
import { VirtualTime } from "./virtual-time.ts";

/** One message that a node has sent. */
export interface Sent {
  readonly id: string;
  readonly key: string;
  readonly node: ModelNode;
  readonly number: number;
  readonly type: "add" | "later" | "poison";
  outcome: "pending" | "stored" | "not stored" | "unknown";
  /** The answer of an ask. */
  answer?: unknown;
}

export const keys = ["a", "b", "c"] as const;
const maxNodes = 3;

/** Nodes that share a store, while things go wrong. */
export class World {
  readonly time = new VirtualTime();
  readonly store = new ModelStore(this.time);
  readonly sent: Sent[] = [];
  /** All nodes that ever ran. */
  readonly nodes: ModelNode[] = [];
  rolledBack = 0;
  /** Whether the store has lost an actor with all of its steps. To its owner, it looks as if it had been deleted. */
  #hasForgotten = false;
  /** The owners of the partitions before each rollback. They know what they have stored. */
  readonly #ownersBefore: string[] = [];
  readonly #bus = new MemoryBus();

  get alive(): readonly ModelNode[] {
    return this.nodes.filter(({ isAlive }) => isAlive);
  }

  start(): void {
    if (this.alive.length < maxNodes)
      this.nodes.push(new ModelNode(`node ${this.nodes.length}`, this.store, this.#bus));
  }

  node(pick: number): ModelNode | undefined {
    return this.alive[pick % this.alive.length];
  }

  send(pick: number, type: Sent["type"], isAsk = false): void {
    const node = this.node(pick);
    const key = keys[(pick >> 2) % keys.length] ?? "a";
    if (node === undefined || node.state.isFrozen) return;
    this.sendTo(node, key, type, isAsk, 100 + (pick % 7) * 150);
  }

  sendTo(node: ModelNode, key: string, type: Sent["type"], isAsk: boolean, ms = 100): void {
    node.sent += 1;
    const id = `${node.name}.${node.sent}`;
    const sent: Sent = { id, key, node, number: node.sent, type, outcome: "pending" };
    this.sent.push(sent);
    const actor = node.kind.get(key);
    const message = { type, id, ...(type === "later" && { ms }) };
    const settle = isAsk
      ? actor.ask(message, { timeoutMs: 20_000 }).then((answer) => {
          sent.answer = answer;
        })
      : actor.send(message);
    settle.then(
      () => {
        sent.outcome = "stored";
      },
      (error: unknown) => {
        sent.outcome = error instanceof NotStoredError ? "not stored" : "unknown";
        if (!(error instanceof NotStoredError || error instanceof OutcomeUnknownError))
          node.errors.push(error);
      },
    );
  }

  /** Lets the next call of a node fail. */
  fault(pick: number): void {
    const fault: Fault = faults[(pick >> 2) % faults.length] ?? "none";
    const call: FaultyCall = faultyCalls[(pick >> 5) % faultyCalls.length] ?? "turn";
    this.node(pick)?.state.planned.push({ call, fault });
  }

  /** Loses the subscriptions of a node, so that others take its partitions early. */
  deafen(pick: number): void {
    const node = this.node(pick);
    if (node === undefined) return;
    const listen = this.store.deafen(node.name);
    setTimeout(() => {
      if (node.isAlive) listen();
    }, 300);
  }

  /** Forgets up to 20 of the last calls. */
  async rollBack(pick: number): Promise<void> {
    this.rolledBack += 1;
    const before = await this.#storedKeys();
    this.#ownersBefore.push(await this.#owners());
    this.time.now += 1; // it takes a moment
    this.store.rollBack(1 + (pick % 20));
    const after = await this.#storedKeys();
    this.#hasForgotten ||= before.some((key) => !after.includes(key));
  }

  /**
   * Whether each loss can be reported: the processes that know of it live, own the same partitions as before, and do
   * not take a lost actor for a deleted one.
   */
  async canReport(): Promise<boolean> {
    if (this.#hasForgotten || this.nodes.some(({ isAlive }) => !isAlive)) return false;
    const owners = await this.#owners();
    return this.#ownersBefore.every((before) => before === owners);
  }

  /** The owners of all partitions, as a text. */
  async #owners(): Promise<string> {
    const indices = Array.from({ length: partitions }, (_, index) => index);
    const found = await Promise.all(
      indices.map((index) => this.store.state.describe({ kind: "log", index })),
    );
    return found.map(({ owner }) => owner).join();
  }

  async #storedKeys(): Promise<readonly string[]> {
    const { kind } = this.nodes[0] ?? fail();
    const found = await Promise.all(
      [...keys, sink].map(async (key) => {
        const { state } = await this.store.state.read(kind.partitionOf(key), key);
        return state === undefined ? [] : [key];
      }),
    );
    return found.flat();
  }

  /** Ends all troubles, and waits until nothing is left to do. @returns why something is left */
  async heal(): Promise<string | undefined> {
    for (const { state } of this.nodes) {
      state.planned.length = 0;
      state.thaw();
      state.lose(false);
    }
    let left: string | undefined;
    for (let round = 0; round < 120; round += 1) {
      if (!this.nodes.some(({ isReady }) => isReady)) this.start();
      await this.time.advance(500);
      left = await this.#left();
      if (left === undefined) return undefined;
    }
    return left;
  }

  /** The log of an actor, and the entries that it was told. */
  async logOf(key: string): Promise<{ readonly log: readonly string[]; readonly told: readonly string[] }> {
    const { kind } = this.nodes[0] ?? fail();
    const { state } = await this.store.state.read(kind.partitionOf(key), key);
    if (state === undefined) return { log: [], told: [] };
    const record = kind.codec.unpack("state", key, state.data);
    return (record.m.state as { context: { log: string[]; told: string[] } }).context;
  }

  /** The messages that became dead letters. */
  async dead(): Promise<readonly string[]> {
    const { kind } = this.nodes[0] ?? fail();
    const ids: string[] = [];
    for (let index = 0; index < partitions; index += 1) {
      for (const payload of await this.store.state.deadLetters({ kind: "log", index })) {
        const { key, message, entry, delay, reason } = kind.codec.unpack("dead", index, payload);
        const told = entry?.t === "tell" ? entry.message.entry : undefined;
        // The dead letter of a delay does not tell which message has set the delay.
        const delayed = delay && `a delay of ${key}`;
        ids.push(String(message?.id ?? message?.entry ?? told ?? delayed ?? reason));
      }
    }
    return ids;
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close()));
  }

  async #left(): Promise<string | undefined> {
    const pending = this.sent.find(({ outcome, node }) => outcome === "pending" && node.isAlive);
    if (pending !== undefined) return `the message ${pending.id} is pending`;
    for (let index = 0; index < partitions; index += 1) {
      const { owner, waiting, outbox, nextDeadline, parked } = await this.store.state.describe({
        kind: "log",
        index,
      });
      if (waiting > 0) return `messages wait in partition ${index}, whose owner is ${owner}`;
      if (outbox > 0) return `the outbox of partition ${index} has ${outbox} entries`;
      if (nextDeadline !== undefined) return `partition ${index} has a deadline`;
      if (parked.length > 0) return `actors are parked: ${parked.map(({ key }) => key)}`;
    }
    for (const key of [...keys, sink]) {
      const { kind } = this.nodes[0] ?? fail();
      const { state } = await this.store.state.read(kind.partitionOf(key), key);
      if (state !== undefined && kind.codec.unpack("state", key, state.data).m.delays.length > 0)
        return `the actor "${key}" has a delay, and no deadline`;
    }
    return undefined;
  }
}

function fail(): never {
  throw new Error("There is no node.");
}
