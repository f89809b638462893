import { type LayerImplementation, Stage } from "./stage.ts";
import { describeArrivals } from "./suite/arrivals.ts";
import { describeClosing } from "./suite/closing.ts";
import { describeDirectSends } from "./suite/direct-sends.ts";
import { describeFlushing } from "./suite/flushing.ts";
import { describeGroups } from "./suite/groups.ts";
import { describeHistory } from "./suite/history.ts";
import { describeLargeGroups } from "./suite/large-groups.ts";
import { describeLoss } from "./suite/loss.ts";
import { describeMembership } from "./suite/membership.ts";
import { describeMessages } from "./suite/messages.ts";
import { describeNames } from "./suite/names.ts";
import { describeOpening } from "./suite/opening.ts";
import { describeQueues } from "./suite/queues.ts";

/**
 * Proves, with mocha, that an implementation keeps what {@link ChannelLayer} promises: every spec runs on two nodes of
 * a world of its own, and shows that something does not come by what comes after it, never by a pause.
 *
 * @example
 * const bus = new MemoryBus();
 * describeChannelLayer("MemoryLayer", {
 *   startNode: (world, options) => {
 *     // Limits of histories are the bus's: a node that is told some gets another one.
 *     const isLimited = "capacity" in options || "expiryMs" in options;
 *     return new MemoryLayer({ ...options, bus: isLimited ? new MemoryBus(options) : bus, prefix: world });
 *   },
 *   publish: (topic, payload) => new MemoryBackend(bus, worldOf(topic)).publish(topic, payload),
 *   enqueue: (queue, payload) => bus.queues.enqueue(queue, payload, 10_000),
 *   lacks: { gap: "nothing lies between the nodes of one process", recovery: "the same" },
 * });
 */
export function describeChannelLayer(name: string, implementation: LayerImplementation): void {
  describeOnStage(name, implementation, (stage) => {
    describeNames(stage);
    describeMessages(stage);
    describeArrivals(stage);
    describeGroups(stage);
    describeLargeGroups(stage);
    describeMembership(stage);
    describeDirectSends(stage);
    describeFlushing(stage);
    describeLoss(stage);
    describeHistory(stage);
    describeQueues(stage);
    describeOpening(stage);
    describeClosing(stage);
  });
}

/** The part of {@link describeChannelLayer} that is about named channels: for a backend of queues by itself. */
export function describeWorkQueues(name: string, implementation: LayerImplementation): void {
  describeOnStage(name, implementation, describeQueues);
}

function describeOnStage(
  name: string,
  implementation: LayerImplementation,
  describeParts: (stage: Stage) => void,
): void {
  describe(name, () => {
    const stage = new Stage(implementation);
    beforeEach(() => stage.open());
    afterEach(() => stage.close());
    describeParts(stage);
  });
}
