import type { Clock } from "../../layers/clock.ts";
import { RuntimeClosedError } from "../errors.ts";
import type { NodeChannel } from "./node-channel.ts";
import type { Nodes, OtherNode } from "./node-registry.ts";
import { inParts } from "./parts.ts";
import { type Fields, nodeOf, readCount, readList, readText } from "./untrusted.ts";

/**
 * What one node has to say to a survey: any number of plain values. MUST be there after `deadlineMs`, complete or not, and
 * MUST NOT reject. Nothing is said to fields that make no sense.
 */
export type Respondent = (fields: Fields, deadlineMs: number) => Promise<readonly unknown[]> | undefined;

/** What came of a survey. */
export interface GatherResult {
  /** What each node said, this one included. */
  readonly said: readonly { readonly node: string; readonly entry: unknown }[];
  /** The nodes that were to be heard, and were not, or not in full. */
  readonly missing: readonly string[];
}

interface Pending {
  /** The nodes that have not said all. */
  readonly awaited: Set<string>;
  readonly missing: Set<string>;
  readonly said: { readonly node: string; readonly entry: unknown }[];
  /** How many entries came, by node. */
  readonly counts: Map<string, number>;
  readonly finish: (error?: Error) => void;
}

/** Questions to all nodes at once, each of which answers for itself in time, with what it has by then. */
export class ScatterGather {
  readonly #link: NodeChannel;
  readonly #nodes: Nodes;
  readonly #clock: Clock;
  readonly #own: string;
  readonly #respondents: Readonly<Record<string, Respondent>>;
  readonly #pending = new Map<string, Pending>();
  #lastId = 0;
  #isClosed = false;

  /** @param own this node's id. */
  constructor(
    link: NodeChannel,
    nodes: Nodes,
    clock: Clock,
    own: string,
    respondents: Readonly<Record<string, Respondent>>,
  ) {
    this.#link = link;
    this.#nodes = nodes;
    this.#clock = clock;
    this.#own = own;
    this.#respondents = respondents;
  }

  /** Asks every node, this one included. @throws {LayerUnavailableError} if the others cannot be asked. */
  async run(about: string, fields: Fields, timeoutMs: number): Promise<GatherResult> {
    if (this.#isClosed) throw new RuntimeClosedError();
    // The others answer a little earlier than they have to, so that it is here in time.
    const deadlineMs = Math.max(1, timeoutMs - Math.min(500, Math.ceil(timeoutMs / 4)));
    const own = this.#respond(about, fields, deadlineMs);
    this.#lastId += 1;
    const id = this.#lastId.toString(36);
    return new Promise((resolve, reject) => {
      const finish = (error?: Error) => {
        if (!this.#pending.delete(id)) return;
        this.#clock.clearTimeout(timer);
        const missing = [...pending.missing, ...pending.awaited];
        if (error === undefined) resolve({ said: pending.said, missing });
        else reject(error);
      };
      const timer = this.#clock.setTimeout(() => finish(), timeoutMs);
      const awaited = new Set([this.#own, ...this.#nodes.all.map((node) => node.id)]);
      const pending: Pending = { awaited, missing: new Set(), said: [], counts: new Map(), finish };
      this.#pending.set(id, pending);
      void own?.then((entries) => {
        for (const entry of entries) pending.said.push({ node: this.#own, entry });
        this.#heardAll(pending, this.#own);
      });
      this.#link.toAll("survey", { ...fields, about, id, deadlineMs }).catch(finish);
    });
  }

  /** Another node asks. @returns false for what makes no sense. */
  asked(fields: Fields, from: string): boolean {
    const { about, id, deadlineMs } = fields;
    const name = readText(about, 20);
    const number = readText(id, 20);
    const ms = readCount(deadlineMs);
    if (name === undefined || number === undefined || ms === undefined) return false;
    const responding = this.#respond(name, fields, ms);
    void responding?.then((entries) => this.#say(from, number, entries));
    return responding !== undefined;
  }

  /** Another node answers. @returns false for what makes no sense; undefined for what comes late. */
  answered(fields: Fields, from: string): boolean | undefined {
    const id = readText(fields.id, 20);
    const entries = readList(fields.entries);
    const total = fields.total === undefined ? undefined : readCount(fields.total);
    if (id === undefined || entries === undefined) return false;
    const pending = this.#pending.get(id);
    if (pending === undefined) return undefined;
    const node = nodeOf(from);
    // One that is not known was not asked: it heard the question while it joined.
    if (this.#nodes.get(node)?.channel !== from) return undefined;
    const count = (pending.counts.get(node) ?? 0) + entries.length;
    pending.counts.set(node, count);
    for (const entry of entries) pending.said.push({ node, entry });
    if (total === undefined) return true;
    if (total !== count) pending.missing.add(node);
    this.#heardAll(pending, node);
    return true;
  }

  nodeLeft({ id }: OtherNode): void {
    for (const pending of [...this.#pending.values()]) {
      if (!pending.awaited.has(id)) continue;
      pending.missing.add(id);
      this.#heardAll(pending, id);
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const { finish } of [...this.#pending.values()]) finish(new RuntimeClosedError());
  }

  #heardAll(pending: Pending, node: string): void {
    pending.awaited.delete(node);
    if (pending.awaited.size === 0) pending.finish();
  }

  #respond(about: string, fields: Fields, ms: number): Promise<readonly unknown[]> | undefined {
    if (!Object.hasOwn(this.#respondents, about)) return undefined;
    return this.#respondents[about]?.(fields, ms);
  }

  /** In parts. The last says how many entries there were in all. */
  #say(to: string, id: string, entries: readonly unknown[]): void {
    const parts = inParts(entries);
    for (const [index, part] of parts.entries()) {
      const isLast = index === parts.length - 1;
      this.#link.post(to, "said", { id, entries: part, ...(isLast && { total: entries.length }) });
    }
  }
}
