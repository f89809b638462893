import type { ChannelLayer } from "../channel-layer.ts";
import type { HistoryLimitOptions } from "../history-limits.ts";
import type { ChannelLayerOptions } from "../options.ts";

/** The functions of a test runner. Those of mocha, Vitest and `node:test` have these types. */
export interface TestRunner {
  /** Registers a group of cases. */
  describe(title: string, register: () => void): unknown;
  /** Registers a case. */
  it(title: string, test: () => Promise<void>): unknown;
  /** Registers a function that runs before each case of the group. */
  beforeEach(hook: () => Promise<void>): unknown;
  /** Registers a function that runs after each case of the group. */
  afterEach(hook: () => Promise<void>): unknown;
}

/** The options of a node besides its prefix. The history limits are only for layers that keep a history. */
export type NodeOptions = Pick<ChannelLayerOptions, "queueCapacity" | "queueExpiryMs"> & HistoryLimitOptions;

/** An optional capability of a layer. */
export type OptionalCapability = "gap" | "recovery" | "history" | "queues";

/** The layer under test. */
export interface LayerImplementation {
  /** Starts a node that reaches all nodes with its `prefix` and no others. Each case has a new prefix. */
  startNode(prefix: string, options: NodeOptions): ChannelLayer | Promise<ChannelLayer>;
  /** Publishes raw bytes on a topic, as a foreign program would. */
  publish(topic: string, payload: Uint8Array): Promise<unknown>;
  /** Adds raw bytes to a queue, as a foreign program would. Required for `queues`. */
  enqueue?(queue: string, payload: Uint8Array): Promise<unknown>;
  /** Breaks the receiving connection of `node`. The node must reconnect. Needed for `gap` and `recovery`. */
  cut?(node: ChannelLayer): Promise<unknown>;
  /**
   * The missing capabilities, each with a reason, which is printed. The suite registers no cases for them.
   * - `gap`: members receive a gap after a broken connection
   * - `recovery`: messages missed during a broken connection are delivered later
   * - `history`: messages to a group can be read later
   * - `queues`: named channels are work queues
   */
  readonly lacks?: Readonly<Partial<Record<OptionalCapability, string>>>;
}
