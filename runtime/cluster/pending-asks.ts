import type { Clock } from "../../layers/clock.ts";
import type { Message } from "../../layers/message.ts";
import { AskFailedError, AskTimeoutError, NoSuchActorError, RuntimeClosedError } from "../errors.ts";
import type { Outcome } from "../mailbox/ask-envelope.ts";
import type { NodeChannel } from "./node-channel.ts";
import type { Nodes, OtherNode } from "./node-registry.ts";
import { type Fields, readText } from "./untrusted.ts";

interface Pending {
  readonly channel: string;
  /** What another node is asked; undefined for what is asked on this one. */
  readonly message: Message | undefined;
  readonly timer: unknown;
  readonly settle: (outcome: Outcome | Error) => void;
  /** Who was asked; undefined while nobody knows where the channel is. */
  node: OtherNode | undefined;
}

/** The questions that actors of other nodes were asked from here, until they are answered. */
export class PendingAsks {
  readonly #link: NodeChannel;
  readonly #nodes: Nodes;
  readonly #clock: Clock;
  readonly #late: () => void;
  readonly #pending = new Map<string, Pending>();
  #lastId = 0;
  #isClosed = false;

  /** @param late called for each answer of an actor of this node that nobody waits for any more. */
  constructor(link: NodeChannel, nodes: Nodes, clock: Clock, late: () => void) {
    this.#link = link;
    this.#nodes = nodes;
    this.#clock = clock;
    this.#late = late;
  }

  /**
   * Waits for the outcome of a question to an actor of this node.
   *
   * @param put puts the question; `reply` takes what comes of it.
   */
  wait(
    channel: string,
    timeoutMs: number,
    put: (reply: (outcome: Outcome) => void) => void,
  ): Promise<unknown> {
    return this.#begin(channel, undefined, timeoutMs, (id, pending) =>
      put((outcome) => {
        if (this.#pending.has(id)) pending.settle(outcome);
        else this.#late();
      }),
    );
  }

  /** Asks an actor of another node. */
  ask(channel: string, message: Message, timeoutMs: number): Promise<unknown> {
    return this.#begin(channel, message, timeoutMs, (id, pending) => {
      this.#link.open().then(() => this.#send(id, pending), pending.settle);
    });
  }

  /** Takes an answer. @returns false for one that makes no sense; undefined for one that comes late. */
  answered(fields: Fields, from: string): boolean | undefined {
    const id = readText(fields.id, 20);
    const outcome = readOutcome(fields);
    if (id === undefined || outcome === undefined) return false;
    const pending = this.#pending.get(id);
    if (pending === undefined) return undefined;
    // Nobody answers for another one.
    if (pending.node?.channel !== from) return false;
    pending.settle(outcome);
    return true;
  }

  /** Puts what was asked while this node was not known yet. */
  nodeJoined(): void {
    for (const [id, pending] of this.#pending) this.#send(id, pending);
  }

  /** Nothing will be answered from there. */
  nodeLeft(node: OtherNode): void {
    for (const pending of [...this.#pending.values()]) {
      if (pending.node !== node) continue;
      pending.settle(new NoSuchActorError(`The node of "${pending.channel}" has gone.`));
    }
  }

  /** Nothing is waited for any more. */
  close(): void {
    this.#isClosed = true;
    for (const { settle } of [...this.#pending.values()]) settle(new RuntimeClosedError());
  }

  #begin(
    channel: string,
    message: Message | undefined,
    timeoutMs: number,
    put: (id: string, pending: Pending) => void,
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
      const timer = this.#clock.setTimeout(() => settle(this.#timeout(pending, timeoutMs)), timeoutMs);
      const pending: Pending = { channel, message, timer, settle, node: undefined };
      this.#pending.set(id, pending);
      put(id, pending);
    });
  }

  #send(id: string, pending: Pending): void {
    const { channel, message } = pending;
    if (pending.node !== undefined || !this.#pending.has(id) || message === undefined) return;
    pending.node = this.#nodes.placeOf(channel)?.node;
    if (pending.node === undefined) return;
    this.#link.to(pending.node.channel, "ask", { id, channel, message }).catch(pending.settle);
  }

  #timeout({ channel, message, node }: Pending, timeoutMs: number): Error {
    if (node !== undefined || message === undefined) {
      return new AskTimeoutError(`"${channel}" had not answered after ${timeoutMs} ms.`);
    }
    return new NoSuchActorError(
      `No node that has "${channel}" was known for ${timeoutMs} ms: it is gone, or cannot be reached.`,
    );
  }
}

function errorOf(channel: string, outcome: Exclude<Outcome, { readonly value: unknown }>): Error {
  if ("absent" in outcome) return new NoSuchActorError(`"${channel}" cannot be asked: ${outcome.absent}`);
  return new AskFailedError(`"${channel}" did not answer: ${outcome.failed}`);
}

function readOutcome({ value, failed, absent }: Fields): Outcome | undefined {
  if (failed === undefined && absent === undefined) return { value };
  const text = readText(failed ?? absent);
  if (text === undefined) return undefined;
  return failed === undefined ? { absent: text } : { failed: text };
}
