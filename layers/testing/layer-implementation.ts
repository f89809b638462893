import type { ChannelLayer } from "../channel-layer.ts";
import type { HistoryLimitOptions } from "../history-limits.ts";
import type { ChannelLayerOptions } from "../options.ts";

/** The functions of a test runner: mocha's, Vitest's and those of `node:test` fit. */
export interface TestRunner {
  describe(title: string, register: () => void): unknown;
  it(title: string, test: () => Promise<void>): unknown;
  beforeEach(hook: () => Promise<void>): unknown;
  afterEach(hook: () => Promise<void>): unknown;
}

/** Options of a node beyond its prefix: those of every layer, and of layers that keep a history. */
export type NodeOptions = Pick<ChannelLayerOptions, "queueCapacity" | "queueExpiryMs"> & HistoryLimitOptions;

/** What a layer may do without. */
export type OptionalCapability = "gap" | "recovery" | "history" | "queues";

/** A layer as the suite needs it. */
export interface LayerImplementation {
  /**
   * Makes a node that reaches all nodes of the same `prefix` and none of another. The suite makes up a prefix for each
   * case; it must be the layer's prefix.
   */
  startNode(prefix: string, options: NodeOptions): ChannelLayer | Promise<ChannelLayer>;
  /** Publishes bytes on a topic, as a program that knows nothing of this package would. */
  publish(topic: string, payload: Uint8Array): Promise<unknown>;
  /** Puts bytes into a queue, as a program that knows nothing of this package would. Needed for queues. */
  enqueue?(queue: string, payload: Uint8Array): Promise<unknown>;
  /** Breaks the connection on which `node` receives; the node restores it by itself. Needed for `gap` and `recovery`. */
  cut?(node: ChannelLayer): Promise<unknown>;
  /**
   * The capabilities that the implementation does not have, each with the reason. Their cases are left out, which the
   * suite says in one line on the console.
   *
   * - `gap`: members are told of a gap when a connection was broken
   * - `recovery`: messages that a broken connection left out are delivered later
   * - `history`: messages to a group can be read later
   * - `queues`: named channels are work queues
   *
   * @default nothing is lacking
   */
  readonly lacks?: Readonly<Partial<Record<OptionalCapability, string>>>;
}
