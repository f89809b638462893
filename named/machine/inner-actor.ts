import type { AnyActorLogic, AnyActorRef, AnyEventObject, Snapshot } from "xstate";

/** The parts of XState's actors that its types leave out. */
export interface InnerActor {
  readonly id: string;
  readonly systemId: string | undefined;
  readonly logic: AnyActorLogic;
  readonly system: InnerSystem;
  readonly _parent?: InnerActor;
  readonly _actorScope: InnerScope;
  readonly _deferred: unknown[];
  readonly observers: Set<unknown>;
  mailbox: object;
  _snapshot: InnerSnapshot;
  _processingStatus: number;
  _reportError: (error: unknown) => void;
  _send(event: AnyEventObject): void;
  _stop(): void;
  start(): void;
}

export type InnerSnapshot = Snapshot<unknown> & {
  readonly children?: Readonly<Record<string, InnerActor | undefined>>;
};

/** XState's values of `_processingStatus`. */
export const notStarted = 0;
export const stopped = 2;

export interface InnerAction {
  readonly type: string;
  readonly exec?: (info: unknown, params: unknown) => void;
}

/** The functions that XState gives to the logic of an actor. */
export interface InnerScope {
  actionExecutor: (action: InnerAction) => void;
  emit: (event: AnyEventObject) => void;
  logger: (...parts: unknown[]) => void;
  stopChild: (child: InnerActor) => void;
}

/** The functions that all actors of one machine share. */
export interface InnerSystem {
  get: (systemId: string) => InnerActor | undefined;
  getAll: () => object;
  _set: (systemId: string, actor: InnerActor) => void;
  _unregister: (actor: InnerActor) => void;
  _relay: (source: InnerActor | undefined, target: InnerActor, event: AnyEventObject) => void;
  _sendInspectionEvent: (event: InnerInspection) => void;
  readonly scheduler: {
    schedule: (
      source: InnerActor,
      target: InnerActor,
      event: AnyEventObject,
      delay: number,
      id?: string,
    ) => void;
    cancel: (source: InnerActor, id: string) => void;
    cancelAll: (actor: InnerActor) => void;
  };
}

export type InnerInspection =
  | { readonly type: "@xstate.actor"; readonly actorRef: InnerActor }
  | {
      readonly type: "@xstate.microstep";
      readonly actorRef: InnerActor;
      readonly event: AnyEventObject;
      readonly snapshot: InnerSnapshot;
      readonly _transitions: readonly { readonly target?: unknown; readonly actions: readonly unknown[] }[];
    }
  | { readonly type: "@xstate.event" | "@xstate.snapshot" | "@xstate.action" };

export const innerOf = (actor: AnyActorRef): InnerActor => actor as unknown as InnerActor;
export const outerOf = (actor: InnerActor): AnyActorRef => actor as unknown as AnyActorRef;

/**
 * Whether an actor with this logic acts by itself between its events: a promise, a callback or an observable, but not
 * a machine or a transition function.
 */
export const hasEffects = ({ logic }: InnerActor): boolean =>
  "start" in logic && logic.start !== undefined && !("getStateNodeById" in logic);
