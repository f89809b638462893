import type { Clock } from "../../layers/clock.ts";
import type { Message } from "../../layers/message.ts";
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
  readonly channel: string;
  /** Undefined if the asked actor is on this node. */
  readonly message: Message | undefined;
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
  ask(channel: string, message: Message, timeoutMs: number): Promise<unknown> {
    return this.#add(channel, message, timeoutMs, (id, pending) => {
      this.#channel.open().then(() => this.#send(id, pending), pending.settle);
    });
  }

  onReply({ id, outcome }: read.Read<typeof readAskReply>, from: string): RuntimeDropReason | undefined {
    const pending = this.#pending.get(id);
    if (pending === undefined) return "late";
    if (pending.node?.channel !== from) return "garbage";
    pending.settle(outcome);
    return undefined;
  }

  nodeJoined(): void {
    for (const [id, pending] of this.#pending) this.#send(id, pending);
  }

  nodeLeft(node: OtherNode): void {
    for (const pending of [...this.#pending.values()]) {
      if (pending.node !== node) continue;
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
  ): Promise<unknown> {
    if (this.#isClosed) return Promise.reject(new RuntimeClosedError());
    return new Promise((resolve, reject) => {
      this.#lastId += 1;
      const id = this.#lastId.toString(36);
      const settle = (outcome: Outcome | Error) => {
        if (!this.#pending.delete(id)) return;
        this.#clock.clearTimeout(pending.timer);
        if ("value" in outcome) resolve(outcome.value);
        else reject(outcome instanceof Error ? outcome : errorOf(channel, outcome));
      };
      const timer = this.#clock.setTimeout(() => settle(timeoutError(pending, timeoutMs)), timeoutMs);
      const pending: PendingAsk = { channel, message, timer, settle, node: undefined };
      this.#pending.set(id, pending);
      start(id, pending);
    });
  }

  #send(id: string, pending: PendingAsk): void {
    const { channel, message } = pending;
    if (pending.node !== undefined || !this.#pending.has(id) || message === undefined) return;
    pending.node = this.#registry.locate(channel)?.node;
    if (pending.node === undefined) return;
    this.#channel.send(pending.node.channel, "ask", { id, channel, message }).catch(pending.settle);
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
