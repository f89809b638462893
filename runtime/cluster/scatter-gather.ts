import type { GroupAnswers, Tally } from "../../actors/index.ts";
import type { ChannelLayer } from "../../layers/channel-layer.ts";
import type { Clock } from "../../layers/clock.ts";
import { inParts } from "../../layers/through-codec.ts";
import { readTrace } from "../../layers/tracing.ts";
import type { Counters, RuntimeDropReason } from "../counters.ts";
import { RuntimeClosedError } from "../errors.ts";
import { memoryOf } from "../limits/memory-of.ts";
import { otherNodes } from "../limits/other-nodes.ts";
import { checkCloseFrame } from "../socket/close-frame.ts";
import { findLayer } from "./argument-checks.ts";
import type { LocalAsks } from "./local-asks.ts";
import { type NodeChannel, nodeOf } from "./node-channel.ts";
import type { NodeListener, NodeRegistry, OtherNode } from "./node-registry.ts";
import type { Tags } from "./tags.ts";
import * as read from "./untrusted.ts";

/**
 * Resolves with plain values, and MUST do so within `deadlineMs`; or returns the values. Returns undefined for
 * malformed fields.
 */
type RequestHandler = (
  fields: read.Fields,
  deadlineMs: number,
) => Promise<readonly unknown[]> | readonly unknown[] | undefined;

export type RequestHandlers = ReadonlyMap<string, RequestHandler>;

/** A request to all nodes. Each node replies within `deadlineMs`. */
export const readGather = read.object({
  id: read.id,
  request: read.id,
  fields: read.fields,
  deadlineMs: read.count,
});

/** One part of a node's reply. `total` is the number of values in all parts together. */
export const readGatherReply = read.object({
  id: read.id,
  values: read.list,
  total: read.count,
  isLast: read.flag,
});

export interface GatherResult {
  /** The values from all nodes, including this node. */
  readonly replies: readonly { readonly node: string; readonly value: unknown }[];
  /** The nodes whose reply was not complete in time. */
  readonly missing: readonly string[];
}

interface PendingRequest {
  /** The nodes that may still reply, with the number of values that have arrived from each. */
  readonly awaited: Map<string, number>;
  /** The nodes whose reply is not complete yet. */
  readonly missing: Set<string>;
  readonly replies: { readonly node: string; readonly value: unknown }[];
  readonly finish: (error?: Error) => void;
  /** The estimated memory of the replies of other nodes. */
  bytes: number;
}

/** Sends requests to all nodes. Each node replies within the deadline, even if its reply is incomplete. */
export class ScatterGather implements NodeListener {
  readonly #channel: NodeChannel;
  readonly #registry: NodeRegistry;
  readonly #clock: Clock;
  readonly #handlers: RequestHandlers;
  readonly #pending = new Map<string, PendingRequest>();
  /** The requests of other nodes that wait for actors of this node: their number by node, and in all. */
  readonly #waitingOf = new Map<string, number>();
  #waiting = 0;
  #lastId = 0;
  #isClosed = false;

  constructor(channel: NodeChannel, registry: NodeRegistry, clock: Clock, handlers: RequestHandlers) {
    this.#channel = channel;
    this.#registry = registry;
    this.#clock = clock;
    this.#handlers = handlers;
    registry.listeners.push(this);
  }

  /**
   * Asks all nodes, including this node.
   *
   * @param values the values of this node, if the request is not to be handled here.
   * @throws {LayerUnavailableError} if other nodes are out of reach.
   */
  async request(
    name: string,
    fields: read.Fields,
    timeoutMs: number,
    values?: readonly unknown[],
  ): Promise<GatherResult> {
    if (this.#isClosed) throw new RuntimeClosedError();
    const { node } = this.#channel;
    // The deadline of the nodes is earlier than the timeout, so that the replies arrive in time.
    const deadlineMs = Math.max(1, timeoutMs - Math.min(500, Math.ceil(timeoutMs / 4)));
    const own = values ?? this.#handlers.get(name)?.(fields, deadlineMs);
    this.#lastId += 1;
    const id = this.#lastId.toString(36);
    return new Promise((resolve, reject) => {
      const finish = (error?: Error) => {
        if (!this.#pending.delete(id)) return;
        this.#clock.clearTimeout(timer);
        if (error === undefined) resolve({ replies: pending.replies, missing: [...pending.missing] });
        else reject(error);
      };
      const timer = this.#clock.setTimeout(() => finish(), timeoutMs);
      const nodes = [node, ...this.#registry.ids];
      const pending: PendingRequest = {
        awaited: new Map(nodes.map((awaited) => [awaited, 0])),
        missing: new Set(nodes),
        replies: [],
        finish,
        bytes: 0,
      };
      this.#pending.set(id, pending);
      void Promise.resolve(own ?? []).then((replies) => {
        for (const value of replies) pending.replies.push({ node, value });
        nodeDone(pending, node, true);
      });
      this.#channel.send(undefined, "gather", { id, request: name, fields, deadlineMs }).catch(finish);
    });
  }

  onRequest(
    { request, id, fields, deadlineMs }: read.Read<typeof readGather>,
    from: string,
  ): RuntimeDropReason | undefined {
    const node = nodeOf(from);
    const waitingOfNode = this.#waitingOf.get(node) ?? 0;
    const isExcess =
      this.#waiting >= otherNodes.maxGroupAsks || waitingOfNode >= otherNodes.maxGroupAsksOfOne;
    // Only asks of groups wait. The others are answered at any time, because a disconnect must not be lost.
    if (isExcess && request === "ask") return "excess";
    const values = this.#handlers.get(request)?.(fields, Math.min(deadlineMs, otherNodes.maxGroupAskMs));
    if (values === undefined) return "garbage";
    if (!(values instanceof Promise)) {
      this.#reply(from, id, values);
      return undefined;
    }
    this.#count(node, 1);
    void values.then((arrived) => {
      this.#count(node, -1);
      this.#reply(from, id, arrived);
    });
    return undefined;
  }

  #count(node: string, change: 1 | -1): void {
    this.#waiting += change;
    const waiting = (this.#waitingOf.get(node) ?? 0) + change;
    if (waiting === 0) this.#waitingOf.delete(node);
    else this.#waitingOf.set(node, waiting);
  }

  #reply(to: string, id: string, values: readonly unknown[]): void {
    const parts = inParts(values);
    for (const [index, part] of parts.entries()) {
      const isLast = index === parts.length - 1;
      this.#channel.post(to, "gathered", { id, values: part, total: values.length, isLast });
    }
  }

  onReply(
    { id, values, total, isLast }: read.Read<typeof readGatherReply>,
    from: string,
  ): RuntimeDropReason | undefined {
    const pending = this.#pending.get(id);
    // An unknown node was still joining when it received the request, so its reply is not awaited.
    const node = this.#registry.byChannel(from)?.id;
    const arrived = node === undefined ? undefined : pending?.awaited.get(node);
    // Values after the last part of a node's reply do not count, because a layer may deliver a part twice.
    if (pending === undefined || node === undefined || arrived === undefined) return "late";
    pending.bytes += memoryOf(values);
    if (pending.bytes > otherNodes.maxGatheredBytes) {
      nodeDone(pending, node, false);
      return "excess";
    }
    for (const value of values) pending.replies.push({ node, value });
    pending.awaited.set(node, arrived + values.length);
    if (isLast) nodeDone(pending, node, arrived + values.length === total);
    return undefined;
  }

  nodeLeft({ id }: OtherNode): void {
    for (const pending of [...this.#pending.values()]) nodeDone(pending, id, false);
  }

  close(): void {
    this.#isClosed = true;
    for (const { finish } of [...this.#pending.values()]) finish(new RuntimeClosedError());
  }
}

function nodeDone({ awaited, missing, finish }: PendingRequest, node: string, isComplete: boolean): void {
  if (isComplete) missing.delete(node);
  if (awaited.delete(node) && awaited.size === 0) finish();
}

export function requestHandlers(
  layers: Readonly<Record<string, ChannelLayer>>,
  localAsks: LocalAsks,
  tags: Tags,
): RequestHandlers {
  const readAsk = read.object({ group: read.name, layer: read.shortText, message: read.message });
  const handlers: Record<string, RequestHandler> = {
    ask(fields, deadlineMs) {
      const ask = readAsk(fields);
      if (ask === undefined) return undefined;
      return localAsks.askGroup(findLayer(layers, ask.layer), ask.group, ask.message, {
        deadlineMs,
        except: read.channel(fields.except),
        trace: readTrace(fields.trace),
      });
    },
    count(fields) {
      const tag = read.name(fields.tag);
      return tag === undefined ? undefined : [tags.count(tag)];
    },
    disconnect({ tag, code, reason }) {
      const name = read.name(tag);
      if (name === undefined || !isCloseFrame(code, reason)) return undefined;
      return [tags.disconnect(name, code as number, reason as string)];
    },
  };
  return new Map(Object.entries(handlers));
}

function isCloseFrame(code: unknown, reason: unknown): boolean {
  try {
    checkCloseFrame(code, reason);
    return true;
  } catch {
    return false;
  }
}

export function tallyOf({ replies, missing }: GatherResult): Tally {
  return { count: replies.reduce((sum, { value }) => sum + (read.count(value) ?? 0), 0), missing };
}

/** Separates the answers of a group's members from the failures. Malformed replies count as garbage. */
export function groupAnswersOf({ replies, missing }: GatherResult, counters: Counters): GroupAnswers {
  const answers: { channel: string; node: string; value: unknown }[] = [];
  const failures: { channel: string; node: string; reason: string }[] = [];
  for (const { node, value } of replies) {
    const fields = read.fields(value);
    const channel = read.channel(fields?.channel);
    const reason = read.shortText(fields?.failed ?? fields?.absent);
    if (fields === undefined || channel === undefined) counters.drop("garbage");
    else if (reason === undefined) answers.push({ channel, node, value: fields.value });
    else failures.push({ channel, node, reason });
  }
  return { replies: answers, failures, missing };
}
