import type { AnyActorRef, EventObject } from "xstate";

/** A delayed event of XState. */
export interface ScheduledEvent {
  readonly id: string;
  readonly event: EventObject;
  readonly source: AnyActorRef;
  readonly target: AnyActorRef;
  readonly delay: number;
  /** The time of the machine's clock, without {@link Clock.now} the wall time. */
  startedAt: number;
}

/** The delayed events of one XState system, by key. */
export type ScheduledEvents = Record<string, ScheduledEvent>;

/** The key of a delayed event in {@link ScheduledEvents}. */
export const delayKeyOf = ({ sessionId }: AnyActorRef, id: string): string => `${sessionId}.${id}`;

/** XState's own table, which the public `getSnapshot` of a system only copies. */
export const scheduledEventsOf = ({ system }: AnyActorRef): ScheduledEvents =>
  (system as unknown as { readonly _snapshot: { readonly _scheduledEvents: ScheduledEvents } })._snapshot
    ._scheduledEvents;

/** The key that marks a reference to an actor in a saved context, with the actor's `id` next to it. */
export const actorMark = "xstate$$type";

/** Whether XState treats `object` as an actor when it saves a context. */
export const isActor = (object: object): object is AnyActorRef =>
  "sessionId" in object && "send" in object && "ref" in object;
