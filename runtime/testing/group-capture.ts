import type { AnyMessages, ChannelLayer, Gap, Mail, MessageOf } from "../../layers/index.ts";
import { LayerClosedError } from "../../layers/index.ts";
import { ExpectationError } from "./expectation-error.ts";
import { settle, settleLayer, type TestedRuntime } from "./settle.ts";
import { pause, type ReceiveNothingOptions, type WaitOptions, waitFor } from "./wait-for.ts";

/** Options of {@link captureGroup}. */
export interface CaptureOptions {
  /** The runtime whose handlers {@link GroupCapture.nothing} waits for. @default none, so only messages are waited for */
  readonly runtime?: TestedRuntime;
}

/** The most messages that an error lists. */
const maxListed = 10;

/**
 * The messages that were sent to a group since {@link captureGroup}, by any node and in the order of arrival. Messages
 * that were sent with `except` are included. A message is deep-frozen.
 *
 * A capture ends when it is closed, or when its layer closes or is flushed. It keeps no process alive.
 */
export class GroupCapture<M = AnyMessages> implements AsyncIterable<MessageOf<M>>, AsyncDisposable {
  /** All messages so far, also those that {@link next} has returned. */
  readonly all: readonly MessageOf<M>[] = [];
  /** The gaps so far: other messages may have been lost. A memory layer has none. */
  readonly gaps: readonly Gap[] = [];
  readonly #layer: ChannelLayer<M>;
  readonly #group: string;
  readonly #runtime: TestedRuntime | undefined;
  readonly #wakes: (() => void)[] = [];
  #channel = "";
  #read = 0;
  #hasEnded = false;

  /** @internal */
  constructor(layer: ChannelLayer<M>, group: string, { runtime }: CaptureOptions) {
    this.#layer = layer;
    this.#group = group;
    this.#runtime = runtime;
  }

  /** @internal */
  async begin(): Promise<this> {
    this.#channel = await this.#layer.newChannel({
      deliver: ({ message }: Mail) => {
        (this.all as MessageOf<M>[]).push(message as MessageOf<M>);
        this.#changed();
      },
      gap: (gap) => {
        (this.gaps as Gap[]).push(gap);
      },
      channelEnded: () => {
        this.#hasEnded = true;
        this.#changed();
      },
    });
    try {
      await this.#layer.groupAdd(this.#group, this.#channel);
    } catch (error) {
      await this.close();
      throw error;
    }
    return this;
  }

  /**
   * Returns the next message.
   *
   * @throws {ExpectationError} if no message arrives in time, or if none is left and the capture has ended. A message
   *   that arrives later is returned by the next call.
   */
  async next(options: WaitOptions = {}): Promise<MessageOf<M>> {
    const late = (ms: number) => this.#describe(`No message to the group arrived within ${ms} ms`);
    await waitFor(this.#whenReady(), options, late);
    const message = this.#take();
    if (message !== undefined) return message;
    if (this.#hasEnded) throw new ExpectationError(this.#describe("The capture has ended"));
    return this.next(options); // another reader took the message
  }

  /**
   * Waits until no message is in flight, and no handler of the option `runtime` runs. Then checks that {@link next}
   * has returned each message. On memory layers, the check is exact.
   *
   * @throws {ExpectationError} if there is another message; if messages or handlers are still under way after
   *   `timeoutMs`; or if `forMs` is missing and the layer does not count its messages in flight.
   */
  async nothing({ forMs = 0, ...options }: ReceiveNothingOptions = {}): Promise<void> {
    if (this.#layer.inFlight === undefined && forMs === 0) {
      throw new ExpectationError(
        "The layer does not count its messages in flight: send a last message and wait for it with next(), or " +
          "pass the time to wait with nothing({ forMs }).",
      );
    }
    if (this.#runtime !== undefined) await settle(this.#runtime, options);
    await settleLayer(this.#layer, options);
    if (forMs > 0) await pause(forMs);
    if (this.#read < this.all.length)
      throw new ExpectationError(this.#describe("Expected no more messages to the group, but some arrived"));
  }

  /** Yields the messages that {@link next} has not returned. Waits without a time limit, until the capture ends. */
  async *[Symbol.asyncIterator](): AsyncGenerator<MessageOf<M>, void, undefined> {
    for (;;) {
      await this.#whenReady();
      const message = this.#take();
      if (message !== undefined) yield message;
      else if (this.#hasEnded) return;
    }
  }

  /** Ends the capture. May be called twice, and after the layer has closed. */
  async close(): Promise<void> {
    await this.#layer.deleteChannel(this.#channel).catch((error: unknown) => {
      if (!(error instanceof LayerClosedError)) throw error;
    });
  }

  /** Ends the capture, at the end of the block of `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Resolves once there is an unread message, or no more can arrive. */
  #whenReady(): Promise<void> {
    if (this.#read < this.all.length || this.#hasEnded) return Promise.resolve();
    return new Promise((resolve) => this.#wakes.push(resolve));
  }

  #changed(): void {
    for (const wake of this.#wakes.splice(0)) wake();
  }

  #take(): MessageOf<M> | undefined {
    const message = this.all[this.#read];
    if (message !== undefined) this.#read += 1;
    return message;
  }

  #describe(problem: string): string {
    const waiting = this.all.slice(this.#read);
    const listed = waiting.slice(0, maxListed).map(({ type }): string => type);
    if (waiting.length > maxListed) listed.push(`and ${waiting.length - maxListed} more`);
    return `${problem} (group "${this.#group}", read before: ${this.#read}, waiting: ${listed.join(", ") || "nothing"}).`;
  }
}

/**
 * Captures the messages to a group, without a consumer. Once the promise resolves, the capture gets every later message.
 *
 * @throws as {@link ChannelLayer.groupAdd} does.
 *
 * @example
 * await using lobby = await captureGroup(layers.chat, "room_lobby");
 * client.send("hello");
 * expect(await lobby.next()).to.deep.equal({ type: "said", text: "hello" });
 * await lobby.nothing();
 */
export function captureGroup<M>(
  layer: ChannelLayer<M>,
  group: string,
  options: CaptureOptions = {},
): Promise<GroupCapture<M>> {
  return new GroupCapture(layer, group, options).begin();
}
