import type { Clock } from "../../layers/clock.ts";
import type { Message } from "../../layers/message.ts";
import type { TraceContext } from "../../layers/tracing.ts";
import type { Counters, RuntimeDropReason } from "../counters.ts";
import { AskFailedError, AskTimeoutError, NoSuchActorError, RuntimeClosedError } from "../errors.ts";
import type { Outcome } from "../mailbox/ask-envelope.ts";
import type { NodeChannel } from "./node-channel.ts";
import type { NodeListener, NodeRegistry, OtherNode } from "./node-registry.ts";
import * as read from "./untrusted.ts";

export const readAskReply = read.object({
  id: read.id,
  outcome(value: unknown): Outcome | undefined {
    const outcome = read.fields(value);
    const failed = read.shortText(outcome?.failed);
    const absent = read.shortText(outcome?.absent);
    if (failed !== undefined) return { failed };
    if (absent !== undefined) return { absent };
    const isMalformed = outcome === undefined || "failed" in outcome || "absent" in outcome;
    return isMalformed ? undefined : { value: outcome.value };
  },
});

interface PendingAsk {
  readonly id: string;
  readonly channel: string;
  /** Undefined if the asked actor is on this node. */
  readonly message: Message | undefined;
  readonly trace: TraceContext | undefined;
  readonly timer: unknown;
  readonly settle: (outcome: Outcome | Error) => void;
  /** The node to which the ask was sent. Undefined while the node of the channel is unknown. */
  node: OtherNode | undefined;
}

/** The asks of this node that await a reply. */
export class PendingAsks implements NodeListener {
  readonly #channel: NodeChannel;
  readonly #registry: NodeRegistry;
  readonly #clock: Clock;
  readonly #counters: Counters;
  readonly #pending = new Map<string, PendingAsk>();
  /** The asks of actors on other nodes, by node. A flood of heartbeats must not visit all asks. */
  readonly #byNode = new Map<OtherNode | undefined, Set<PendingAsk>>();
  #lastId = 0;
  #isClosed = false;

  constructor(channel: NodeChannel, registry: NodeRegistry, clock: Clock, counters: Counters) {
    this.#channel = channel;
    this.#registry = registry;
    this.#clock = clock;
    this.#counters = counters;
    registry.listeners.push(this);
  }

  /** Calls `ask`, and waits until `ask` calls `reply`. `channel` names the actor in errors. */
  askLocally(
    channel: string,
    timeoutMs: number,
    ask: (reply: (outcome: Outcome) => void) => void,
  ): Promise<unknown> {
    return this.#add(channel, undefined, timeoutMs, (id, pending) =>
      ask((outcome) => {
        if (this.#pending.has(id)) pending.settle(outcome);
        else this.#counters.drop("late");
      }),
    );
  }

  /** Asks an actor of another node. If the node is unknown, the ask waits until the node has joined. */
  ask(channel: string, message: Message, timeoutMs: number, trace?: TraceContext): Promise<unknown> {
    const start = (_: string, pending: PendingAsk) => {
      this.#file(pending, undefined);
      this.#channel.open().then(() => this.#send(pending), pending.settle);
    };
    return this.#add(channel, message, timeoutMs, start, trace);
  }

  onReply({ id, outcome }: read.Read<typeof readAskReply>, from: string): RuntimeDropReason | undefined {
    const pending = this.#pending.get(id);
    if (pending === undefined) return "late";
    if (pending.node?.channel !== from) return "garbage";
    pending.settle(outcome);
    return undefined;
  }

  nodeJoined(): void {
    for (const pending of [...(this.#byNode.get(undefined) ?? [])]) this.#send(pending);
  }

  nodeLeft(node: OtherNode): void {
    for (const pending of [...(this.#byNode.get(node) ?? [])]) {
      pending.settle(new NoSuchActorError(`The node of "${pending.channel}" has left.`));
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const { settle } of [...this.#pending.values()]) settle(new RuntimeClosedError());
  }

  #add(
    channel: string,
    message: Message | undefined,
    timeoutMs: number,
    start: (id: string, pending: PendingAsk) => void,
    trace?: TraceContext,
  ): Promise<unknown> {
    if (this.#isClosed) return Promise.reject(new RuntimeClosedError());
    return new Promise((resolve, reject) => {
      this.#lastId += 1;
      const id = this.#lastId.toString(36);
      const settle = (outcome: Outcome | Error) => {
        if (!this.#pending.delete(id)) return;
        this.#unfile(pending);
        this.#clock.clearTimeout(pending.timer);
        if ("value" in outcome) resolve(outcome.value);
        else reject(outcome instanceof Error ? outcome : errorOf(channel, outcome));
      };
      const timer = this.#clock.setTimeout(() => settle(timeoutError(pending, timeoutMs)), timeoutMs);
      const pending: PendingAsk = { id, channel, message, trace, timer, settle, node: undefined };
      this.#pending.set(id, pending);
      start(id, pending);
    });
  }

  #send(pending: PendingAsk): void {
    const { id, channel, message, trace } = pending;
    if (pending.node !== undefined || !this.#pending.has(id)) return;
    const node = this.#registry.locate(channel)?.node;
    if (node === undefined) return;
    this.#file(pending, node);
    this.#channel.send(node.channel, "ask", { id, channel, message, trace }).catch(pending.settle);
  }

  /** Notes the node to which the ask was sent; undefined while the node is unknown. */
  #file(pending: PendingAsk, node: OtherNode | undefined): void {
    this.#unfile(pending);
    pending.node = node;
    const asks = this.#byNode.get(node) ?? new Set();
    this.#byNode.set(node, asks.add(pending));
  }

  #unfile(pending: PendingAsk): void {
    const asks = this.#byNode.get(pending.node);
    if (asks?.delete(pending) && asks.size === 0) this.#byNode.delete(pending.node);
  }
}

function timeoutError({ channel, message, node }: PendingAsk, timeoutMs: number): Error {
  if (node !== undefined || message === undefined) {
    return new AskTimeoutError(`"${channel}" did not reply within ${timeoutMs} ms.`);
  }
  return new NoSuchActorError(
    `The node of "${channel}" was not found within ${timeoutMs} ms: it has left, or cannot be reached.`,
  );
}

function errorOf(channel: string, outcome: Exclude<Outcome, { readonly value: unknown }>): Error {
  if ("absent" in outcome) return new NoSuchActorError(`"${channel}" cannot be asked: ${outcome.absent}`);
  return new AskFailedError(`"${channel}" did not reply: ${outcome.failed}`);
}
