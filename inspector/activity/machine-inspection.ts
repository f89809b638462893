import type {
  AnyActor,
  AnyActorRef,
  AnyMachineSnapshot,
  AnyTransitionDefinition,
  InspectionEvent,
  Subscription,
} from "xstate";
import { effectsOf } from "../../actors/connection-machine.ts";
import type { Exit } from "../../actors/index.ts";
import type { ConsumerClass } from "../../runtime/consumer-settings.ts";
import type { Observed, Report } from "../../runtime/inspection-hooks.ts";
import type { MachineKind } from "../protocol.ts";
import type { ActivityLog, Happening } from "./activity-log.ts";
import type { ConsumerIndex } from "./consumer-index.ts";
import { safely } from "./guarded-observer.ts";
import { nodesOf, pathOf, statesOf } from "./states.ts";
import type { TransitionCounts } from "./transition-counts.ts";

/** Where what is heard goes. */
export interface MachineRecords {
  readonly consumers: ConsumerIndex;
  readonly moves: TransitionCounts;
  readonly histories: ActivityLog;
  readonly report: Report;
}

/**
 * Hears, by XState's inspection, which ways the machines of actors take. Those of connections are one system of XState, with
 * their supervisor; the machine that a consumer runs is a system of its own.
 */
export class MachineEvents {
  readonly #records: MachineRecords;
  readonly #isHidden: (Consumer: ConsumerClass) => boolean;
  readonly #own = new Map<Observed, Subscription>();
  #connections: Subscription | undefined;

  /** @param isHidden whether the actors of a consumer are not to be shown. */
  constructor(records: MachineRecords, isHidden: (Consumer: ConsumerClass) => boolean) {
    this.#records = records;
    this.#isHidden = isHidden;
  }

  /** @param supervisor the actor whose system the connections are in. @param actors those that are there already. */
  start(supervisor: AnyActorRef, actors: Iterable<Observed>): void {
    this.#connections = supervisor.system.inspect(
      safely((event) => this.#connectionInspected(event), this.#records.report),
    );
    for (const actor of actors) {
      if (actor.machineActor !== undefined) this.#listen(actor, actor.machineActor);
    }
  }

  stop(): void {
    this.#connections?.unsubscribe();
    for (const subscription of this.#own.values()) subscription.unsubscribe();
    this.#own.clear();
  }

  /** An actor's own machine is about to begin. */
  runs(actor: Observed, machineActor: AnyActor): void {
    this.#listen(actor, machineActor);
    for (const { id } of nodesOf(machineActor))
      this.#count(actor, "own", this.#machine(actor, "own")?.markOfState(id));
    const state = statesOf(machineActor.getSnapshot());
    this.#records.histories.work(actor.machine.sessionId, () => transition("own", "", state));
  }

  #connectionInspected(event: InspectionEvent): void {
    if (event.type !== "@xstate.actor" && event.type !== "@xstate.microstep") return;
    const actor = actorOf(event.actorRef as AnyActorRef);
    if (actor === undefined || this.#isHidden(actor.Consumer)) return;
    // While it is made, the actor itself does not know its machine yet.
    const id = event.actorRef.sessionId;
    if (event.type === "@xstate.actor") this.#began(actor, id);
    else this.#connectionMoved(actor, id, event);
  }

  #began(actor: Observed, id: string): void {
    const happening = {
      kind: "began",
      from: "client",
      to: "actor",
      what: "",
      detail: actor.scope.path,
    } as const;
    this.#records.histories.life(id, happening);
    this.#count(
      actor,
      "connection",
      this.#machine(actor, "connection")?.markOfState("connection.connecting"),
    );
  }

  #connectionMoved(
    actor: Observed,
    id: string,
    { actorRef, event, snapshot, _transitions }: Microstep,
  ): void {
    // It is on its way out already, say.
    if (_transitions.length === 0) return;
    const before = String(actorRef.getSnapshot().value);
    const { value, status, output } = snapshot as AnyMachineSnapshot;
    this.#moved(actor, "connection", _transitions);
    const { histories } = this.#records;
    histories.life(id, transition("connection", event.type, `${before} → ${value}`));
    if (status !== "done") return;
    histories.life(id, { kind: "ended", ...within, what: "", detail: exitText(output as Exit) });
    this.#own.get(actor)?.unsubscribe();
    this.#own.delete(actor);
  }

  #listen(actor: Observed, machineActor: AnyActor): void {
    const hear = (event: InspectionEvent) => {
      // Not of the actors which that invokes.
      if (event.type === "@xstate.microstep" && event.actorRef === machineActor) this.#ownMoved(actor, event);
    };
    this.#own.set(actor, machineActor.system.inspect(safely(hear, this.#records.report)));
  }

  #ownMoved(actor: Observed, { event, snapshot, _transitions }: Microstep): void {
    if (_transitions.length === 0) return;
    this.#moved(actor, "own", _transitions);
    this.#records.histories.work(actor.machine.sessionId, () => {
      const before = _transitions.map(({ source }) => pathOf(source)).join(", ");
      return transition("own", event.type, `${before} → ${statesOf(snapshot)}`);
    });
  }

  #moved(actor: Observed, kind: MachineKind, transitions: readonly AnyTransitionDefinition[]): void {
    const machine = this.#machine(actor, kind);
    for (const taken of transitions) this.#count(actor, kind, machine?.markOfTransition(taken));
  }

  #count(actor: Observed, kind: MachineKind, mark: string | undefined): void {
    if (mark !== undefined)
      this.#records.moves.add(this.#records.consumers.of(actor.Consumer).id, kind, mark);
  }

  #machine({ Consumer }: Observed, kind: MachineKind) {
    return this.#records.consumers.of(Consumer).machines.get(kind);
  }
}

type Microstep = InspectionEvent & { readonly type: "@xstate.microstep" };

/** Whose machine it is; undefined for the supervisor itself. */
function actorOf(ref: AnyActorRef): Observed | undefined {
  const { input } = (ref as AnyActor).options as { readonly input?: unknown };
  return input === undefined ? undefined : (effectsOf(ref) as unknown as Observed);
}

const within = { from: "actor", to: "actor" } as const;

function transition(machine: MachineKind, event: string, detail: string): Happening {
  return { kind: "transition", ...within, machine, what: event, detail };
}

function exitText({ code, reason, by, status }: Exit): string {
  const how = status === undefined ? String(code) : `HTTP ${status}`;
  return `${how} by ${by}${reason === "" ? "" : `: ${reason}`}`;
}
