import { randomUUID } from "node:crypto";
import { type AnyActor, type AnyActorRef, isMachineSnapshot } from "xstate";
import { type Clock, wallTimeOf } from "../../layers/clock.ts";
import type { SavedDelay } from "./actor-snapshot.ts";
import { delayKeyOf, type ScheduledEvent, scheduledEventsOf } from "./xstate-internals.ts";

/**
 * Makes XState record the start of each delay in the time of `clock`. XState records the wall time, which a
 * clock with a time of its own, such as a simulated clock, does not follow.
 */
export function recordStarts({ system }: AnyActor, clock: Clock): void {
  const { now } = clock;
  if (now === undefined) return;
  const { scheduler } = system;
  const schedule = scheduler.schedule.bind(scheduler);
  scheduler.schedule = (source, target, event, delay, id = randomUUID()) => {
    schedule(source, target, event, delay, id);
    const scheduled = scheduledEventsOf(source)[delayKeyOf(source, id)];
    if (scheduled !== undefined) scheduled.startedAt = now.call(clock);
  };
}

/**
 * Prepares the delays of a machine that is restored but not started: XState sets a timer for each when the
 * machine starts. Call this before the start, because the machine may cancel a delay while it starts.
 *
 * @param delays in the order of their ends
 * @returns the delays that have ended already
 */
export function prepareDelays(
  root: AnyActor,
  delays: readonly SavedDelay[],
  clock: Clock,
): readonly ScheduledEvent[] {
  const scheduled = scheduledEventsOf(root);
  const now = wallTimeOf(clock);
  const ended: ScheduledEvent[] = [];
  for (const { at, id, event, ...paths } of delays) {
    const [source, target] = [actorAt(root, paths.source), actorAt(root, paths.target)];
    const restored = { id, event, source, target, delay: Math.max(0, at - now), startedAt: now };
    scheduled[delayKeyOf(source, id)] = restored;
    if (restored.delay === 0) ended.push(restored);
  }
  return ended;
}

/**
 * Returns the delays that XState has started for `ended`. Call this directly after the start: later, a state
 * that was entered again may have another delay with the same id.
 */
export function startedDelays(root: AnyActor, ended: readonly ScheduledEvent[]): readonly ScheduledEvent[] {
  const scheduled = scheduledEventsOf(root);
  return ended
    .map(({ source, id }) => scheduled[delayKeyOf(source, id)])
    .filter((timer) => timer?.delay === 0) as ScheduledEvent[];
}

/**
 * Delivers the events of {@link startedDelays}, in order, unless a timer has delivered the event, or a
 * transition has cancelled the delay.
 */
export function fireDelays(root: AnyActor, started: readonly ScheduledEvent[]): void {
  for (const timer of started) {
    const { source, target, event, id } = timer;
    if (scheduledEventsOf(root)[delayKeyOf(source, id)] !== timer) continue;
    root.system.scheduler.cancel(source, id);
    target.send(event);
  }
}

/** Returns the actor at the end of a path of ids. */
export function actorAt(root: AnyActorRef, path: readonly string[]): AnyActorRef {
  let actor = root;
  for (const id of path) {
    const snapshot: unknown = actor.getSnapshot();
    const child: AnyActorRef | undefined = isMachineSnapshot(snapshot) ? snapshot.children[id] : undefined;
    if (child === undefined) throw new TypeError(`XState has not restored the child ${id}.`);
    actor = child;
  }
  return actor;
}
