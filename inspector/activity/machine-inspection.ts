import type {
  AnyActor,
  AnyActorRef,
  AnyMachineSnapshot,
  AnyTransitionDefinition,
  InspectionEvent,
  Subscription,
} from "xstate";
import { type ConnectionEvent, effectsOf } from "../../actors/connection-machine.ts";
import type { Exit } from "../../actors/index.ts";
import type { ConsumerClass } from "../../runtime/consumer-settings.ts";
import type { Observed, Report } from "../../runtime/inspection-hooks.ts";
import type { MachineKind } from "../protocol.ts";
import type { Activity, ActivityLog } from "./activity-log.ts";
import type { ConsumerIndex } from "./consumer-index.ts";
import { guarded } from "./guarded-observer.ts";
import { nodesOf, pathOf, statesOf } from "./states.ts";
import type { TransitionCounts } from "./transition-counts.ts";

export interface MachineInspectionContext {
  readonly consumers: ConsumerIndex;
  readonly transitionCounts: TransitionCounts;
  readonly activityLog: ActivityLog;
  readonly isHidden: (Consumer: ConsumerClass) => boolean;
  readonly report: Report;
}

/** Records transitions. Connection machines share an XState system; each other machine has its own. */
export class MachineInspection {
  readonly #context: MachineInspectionContext;
  readonly #own = new Map<Observed, Subscription>();
  #connections: Subscription | undefined;

  constructor(context: MachineInspectionContext) {
    this.#context = context;
  }

  /** @param supervisor an actor in the connection machines' system. @param actors the existing actors. */
  start(supervisor: AnyActorRef, actors: Iterable<Observed>): void {
    const onEvent = guarded((event: InspectionEvent) => this.#onConnectionEvent(event), this.#context.report);
    this.#connections = supervisor.system.inspect(onEvent);
    for (const actor of actors)
      if (actor.machineActor !== undefined) this.#inspectOwn(actor, actor.machineActor);
  }

  stop(): void {
    this.#connections?.unsubscribe();
    for (const subscription of this.#own.values()) subscription.unsubscribe();
    this.#own.clear();
  }

  onMachineStart(actor: Observed, machineActor: AnyActor): void {
    this.#inspectOwn(actor, machineActor);
    for (const { id } of nodesOf(machineActor)) this.#countState(actor, "own", id);
    const state = statesOf(machineActor.getSnapshot());
    this.#context.activityLog.recordWork(actor.machine.sessionId, () => transition("own", "", state));
  }

  #onConnectionEvent(event: InspectionEvent): void {
    if (event.type !== "@xstate.actor" && event.type !== "@xstate.microstep") return;
    const actor = actorOf(event.actorRef as AnyActorRef);
    if (actor === undefined || this.#context.isHidden(actor.Consumer)) return;
    // While XState creates the machine, `actor.machine` is unset. So the id is read from `event.actorRef`.
    const id = event.actorRef.sessionId;
    if (event.type === "@xstate.actor") this.#onConnectionStart(actor, id);
    else this.#onConnectionStep(actor, id, event);
  }

  #onConnectionStart(actor: Observed, id: string): void {
    const { path } = actor.scope;
    this.#context.activityLog.recordLifecycle(id, {
      kind: "began",
      from: "client",
      to: "actor",
      what: "",
      detail: path,
    });
    this.#countState(actor, "connection", "connection.connecting");
  }

  #onConnectionStep(
    actor: Observed,
    id: string,
    { actorRef, event, snapshot, _transitions }: Microstep,
  ): void {
    // The list is empty if the machine ignored the event, for example because the connection is closing.
    if (_transitions.length === 0) return;
    const before = statesOf(actorRef.getSnapshot());
    const { status, output } = snapshot as AnyMachineSnapshot;
    this.#countTransitions(actor, "connection", _transitions);
    const { activityLog } = this.#context;
    const states = `${before} → ${statesOf(snapshot)}`;
    activityLog.recordLifecycle(id, transition("connection", event.type, states));
    const ofSession = sessionActivity(event as ConnectionEvent);
    if (ofSession !== undefined) activityLog.recordLifecycle(id, ofSession);
    if (status !== "done") return;
    activityLog.recordLifecycle(id, { kind: "ended", ...inside, what: "", detail: exitText(output as Exit) });
    this.#own.get(actor)?.unsubscribe();
    this.#own.delete(actor);
  }

  #inspectOwn(actor: Observed, machineActor: AnyActor): void {
    const onEvent = guarded((event: InspectionEvent) => {
      // Skips the steps of actors that the machine invokes.
      if (event.type === "@xstate.microstep" && event.actorRef === machineActor)
        this.#onOwnStep(actor, event);
    }, this.#context.report);
    this.#own.set(actor, machineActor.system.inspect(onEvent));
  }

  #onOwnStep(actor: Observed, { event, snapshot, _transitions }: Microstep): void {
    if (_transitions.length === 0) return;
    this.#countTransitions(actor, "own", _transitions);
    this.#context.activityLog.recordWork(actor.machine.sessionId, () => {
      const before = _transitions.map(({ source }) => pathOf(source)).join(", ");
      return transition("own", event.type, `${before} → ${statesOf(snapshot)}`);
    });
  }

  #countState(actor: Observed, kind: MachineKind, stateId: string): void {
    const { id, machines } = this.#context.consumers.getOrAdd(actor.Consumer);
    this.#count(id, kind, machines.get(kind)?.markOfState(stateId));
  }

  #countTransitions(
    actor: Observed,
    kind: MachineKind,
    transitions: readonly AnyTransitionDefinition[],
  ): void {
    const { id, machines } = this.#context.consumers.getOrAdd(actor.Consumer);
    for (const taken of transitions) this.#count(id, kind, machines.get(kind)?.markOfTransition(taken));
  }

  #count(consumer: string, kind: MachineKind, mark: string | undefined): void {
    if (mark !== undefined) this.#context.transitionCounts.add(consumer, kind, mark);
  }
}

type Microstep = InspectionEvent & { readonly type: "@xstate.microstep" };

/** The actor whose connection machine is `ref`; undefined if `ref` is the supervisor. */
function actorOf(ref: AnyActorRef): Observed | undefined {
  const { input } = (ref as AnyActor).options as { readonly input?: unknown };
  return input === undefined ? undefined : (effectsOf(ref) as unknown as Observed);
}

const inside = { from: "actor", to: "actor" } as const;

function transition(machine: MachineKind, event: string, detail: string): Activity {
  return { kind: "transition", ...inside, machine, what: event, detail };
}

/** The loss of a session's socket, or the return of its client. */
function sessionActivity(event: ConnectionEvent): Activity | undefined {
  const fromClient = { from: "client", to: "actor", what: "" } as const;
  if (event.type === "away")
    return { kind: "away", ...fromClient, detail: withReason(`${event.code}`, event) };
  return event.type === "online" ? { kind: "resumed", ...fromClient } : undefined;
}

function exitText(exit: Exit): string {
  const { code, by, status } = exit;
  return withReason(`${status === undefined ? code : `HTTP ${status}`} by ${by}`, exit);
}

const withReason = (text: string, { reason }: { readonly reason: string }): string =>
  reason === "" ? text : `${text}: ${reason}`;
