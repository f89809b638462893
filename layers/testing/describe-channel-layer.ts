import type { LayerImplementation, TestRunner } from "./layer-implementation.ts";
import { describeArrivals } from "./suite/arrivals.ts";
import { describeClosing } from "./suite/closing.ts";
import { describeConsumptionClosing } from "./suite/consumption-closing.ts";
import { describeDeletedQueues } from "./suite/deleted-queues.ts";
import { describeDirectSends } from "./suite/direct-sends.ts";
import { describeFailedJobs } from "./suite/failed-jobs.ts";
import { describeFlushing } from "./suite/flushing.ts";
import { describeGroups } from "./suite/groups.ts";
import { describeHistory } from "./suite/history.ts";
import { describeJobs } from "./suite/jobs.ts";
import { describeLargeGroups } from "./suite/large-groups.ts";
import { describeLoss } from "./suite/loss.ts";
import { describeMembership } from "./suite/membership.ts";
import { describeMessages } from "./suite/messages.ts";
import { describeNames } from "./suite/names.ts";
import { describeOpening } from "./suite/opening.ts";
import { describeQueueLimits } from "./suite/queue-limits.ts";
import { describeRepeatedJobs } from "./suite/repeated-jobs.ts";
import { describeTimeLimits } from "./suite/time-limits.ts";
import { type Suite, TestNodes } from "./test-nodes.ts";

/**
 * Registers the conformance suite of `ChannelLayer` for one implementation, with any test runner. Each
 * case runs on two nodes, under a prefix of its own. The runner must run the cases one after the other, and
 * must end a case whose message never arrives: the suite sets no timeouts.
 *
 * @example
 * import { afterEach, beforeEach, describe, it } from "mocha"; // or "vitest", or "node:test"
 *
 * const bus = new MemoryBus();
 * describeChannelLayer("MemoryLayer", {
 *   ...{ describe, it, beforeEach, afterEach },
 *   startNode: (prefix, options) => {
 *     // History limits belong to the bus, so a node with limits has its own bus.
 *     const isLimited = "capacity" in options || "expiryMs" in options;
 *     const ownBus = isLimited ? new MemoryBus(options) : bus;
 *     return new MemoryLayer({ ...options, bus: ownBus, history: true, prefix });
 *   },
 *   publish: async (topic, payload) => bus.publish(topic, payload, topic.split("__group__")[1]),
 *   enqueue: (queue, payload) => bus.queues.enqueue(queue, payload, 10_000),
 *   lacks: { gap: "no connection can break", recovery: "no connection can break" },
 * });
 */
export function describeChannelLayer(name: string, options: TestRunner & LayerImplementation): void {
  describeOnNodes(name, options, (suite) => {
    describeNames(suite);
    describeMessages(suite);
    describeArrivals(suite);
    describeGroups(suite);
    describeLargeGroups(suite);
    describeMembership(suite);
    describeDirectSends(suite);
    describeFlushing(suite);
    describeLoss(suite);
    describeHistory(suite);
    if (suite.lacks.queues === undefined) describeQueues(suite);
    describeOpening(suite);
    describeClosing(suite);
  });
}

/** Registers only the cases for named channels, to test a queue backend alone. */
export function describeJobQueues(name: string, options: TestRunner & LayerImplementation): void {
  describeOnNodes(name, options, describeQueues);
}

function describeQueues(suite: Suite): void {
  describeJobs(suite);
  describeFailedJobs(suite);
  describeTimeLimits(suite);
  describeQueueLimits(suite);
  describeRepeatedJobs(suite);
  describeDeletedQueues(suite);
  describeConsumptionClosing(suite);
}

function describeOnNodes(
  name: string,
  options: TestRunner & LayerImplementation,
  register: (suite: Suite) => void,
): void {
  const { describe, it, beforeEach, afterEach, lacks = {} } = options;
  const nodes = new TestNodes(options);
  describe(name, () => {
    beforeEach(() => nodes.open());
    afterEach(() => nodes.close());
    register({ describe, it, nodes, lacks });
  });
  // biome-ignore lint/suspicious/noConsole: every test runner shows console output.
  if (Object.keys(lacks).length > 0) console.info(`${name} lacks ${reasonsOf(lacks)}: not tested.`);
}

/** Lists the missing capabilities by reason: "recovery, history (pub/sub keeps nothing), gap (…)". */
function reasonsOf(lacks: Suite["lacks"]): string {
  const byReason = new Map<string, string>();
  for (const [capability, reason] of Object.entries(lacks)) {
    const others = byReason.get(reason);
    byReason.set(reason, others === undefined ? capability : `${others}, ${capability}`);
  }
  return [...byReason].map(([reason, capabilities]) => `${capabilities} (${reason})`).join(", ");
}
