import { randomUUID } from "node:crypto";
import { type ActorOptions, type AnyEventObject, type AnyStateMachine, createActor } from "xstate";
import { quote, type SavedDelay } from "../../actors/snapshot/actor-snapshot.ts";
import { actorAt } from "../../actors/snapshot/delays.ts";
import { jsonCopy } from "../../actors/snapshot/json-copy.ts";
import { SnapshotError } from "../../actors/snapshot/snapshot-error.ts";
import { ChildFailedError } from "./child-failed-error.ts";
import {
  hasEffects,
  type InnerAction,
  type InnerActor,
  type InnerInspection,
  innerOf,
  outerOf,
  stopped,
} from "./inner-actor.ts";
import { Outside, type OutsideOptions } from "./outside.ts";
import { isAlive, pathOf } from "./paths.ts";

export interface SystemOptions extends OutsideOptions {
  /** Returns the time for new delays, in milliseconds. */
  readonly now: () => number;
  /** The maximum number of microsteps and of events between actors in one step. @default 10,000 */
  readonly maxIterations?: number;
  /** Receives the values of the action `log`. @default console.log */
  readonly logger?: (...parts: unknown[]) => void;
}

/** A delayed event that waits. */
interface Delay {
  readonly saved: SavedDelay;
  readonly source: InnerActor;
  readonly target: InnerActor;
}

/** The parts of an actor that a step can change. */
type ActorState = Pick<InnerActor, "_snapshot" | "_processingStatus" | "mailbox"> & {
  readonly observers: readonly unknown[];
};

/**
 * XState's actors of one machine and its children. They run in steps: XState computes them, but its timers, custom
 * actions, and children with effects are data until {@link Outside.carryOut}, and a step that fails changes nothing.
 *
 * XState announces each actor before it computes the first state of the actor. At this moment, the system replaces
 * the functions by which the logic of the actor reaches the outside.
 */
export class MachineSystem {
  readonly root: InnerActor;
  readonly outside: Outside;
  readonly #options: SystemOptions;
  /** In the order of their ends. */
  #delays: readonly Delay[] = [];
  #names: ReadonlyMap<string, InnerActor> = new Map();
  #mode: "idle" | "step" | "restore" = "idle";
  /** The actors that the current step may have changed, as they were before. */
  readonly #touched = new Map<InnerActor, ActorState>();
  #emitted: unknown[] = [];
  #iterations = 0;
  #failure: { readonly error: unknown } | undefined;
  #hasStopped = false;
  /** The event that the current step delivers. */
  #event: AnyEventObject | undefined;
  #source: InnerActor | undefined;
  #isTaken = false;
  /** Whether the machine lacks a transition for the error of a child. */
  #hasUnhandled = false;

  /** @param from the input of a new machine, or the state of a restored one. The state is changed. */
  constructor(
    machine: AnyStateMachine,
    from: { readonly input: unknown } | { readonly snapshot: unknown },
    options: SystemOptions,
  ) {
    this.#options = options;
    this.outside = new Outside(options);
    let isInstalled = false;
    const inspect = (event: { readonly type: string }): void => {
      // Later actors are announced to the function that `#install` sets.
      if (isInstalled || event.type !== "@xstate.actor") return;
      isInstalled = true;
      this.#install((event as unknown as { readonly actorRef: InnerActor }).actorRef);
    };
    const { logger } = options;
    const given = { ...from, ...(logger && { logger }), inspect };
    this.root = innerOf(createActor(machine, given as ActorOptions<AnyStateMachine>));
    this.root._reportError = () => {};
  }

  get delays(): readonly Delay[] {
    return this.#delays;
  }

  /** Whether the current step has changed an actor or a delay, apart from its delays. */
  get hasChanged(): boolean {
    for (const [actor, before] of this.#touched) if (actor._snapshot !== before._snapshot) return true;
    return false;
  }

  /** Events that the current step has emitted. */
  get emitted(): unknown[] {
    return this.#emitted;
  }

  /** Whether a transition has taken the event of the current step. */
  get isTaken(): boolean {
    return this.#isTaken;
  }

  /** Starts a restored machine, without a step. */
  restore(delays: readonly SavedDelay[]): void {
    this.#mode = "restore";
    this.root.start();
    this.#mode = "idle";
    const at = (path: readonly string[]): InnerActor => innerOf(actorAt(outerOf(this.root), path));
    const restored = delays.map((saved) => ({ saved, source: at(saved.source), target: at(saved.target) }));
    this.#delays = [...this.#delays, ...restored].sort((one, other) => one.saved.at - other.saved.at);
  }

  /**
   * Runs one step: `deliver`, and then `finish`, whose result is returned. If one of them throws, or the machine fails,
   * the system is as before, and the error is thrown.
   */
  step<T>(deliver: () => void, finish: () => T): T {
    const delays = this.#delays;
    const names = this.#names;
    const undoOutside = this.outside.mark();
    this.#mode = "step";
    try {
      deliver();
      if (this.#failure) throw this.#failure.error;
      const { status, error } = this.root._snapshot;
      if (status === "error") throw this.#hasUnhandled ? this.#childError(error) : error;
      if (this.#hasStopped) this.#prune();
      return finish();
    } catch (error) {
      this.#delays = delays;
      this.#names = names;
      undoOutside();
      for (const [actor, before] of this.#touched) putBack(actor, before);
      throw error;
    } finally {
      this.#mode = "idle";
      this.#touched.clear();
      this.#emitted = [];
      this.#iterations = 0;
      this.#failure = undefined;
      this.#hasStopped = false;
      this.#event = undefined;
      this.#source = undefined;
      this.#isTaken = false;
      this.#hasUnhandled = false;
    }
  }

  /** Delivers the event of a step. */
  deliver(source: InnerActor | undefined, target: InnerActor, event: AnyEventObject): void {
    this.#event = event;
    this.#source = source;
    this.#relay(source, target, event);
  }

  /** Removes a delay. Returns undefined if the delay has ended or was cancelled. */
  take(saved: SavedDelay): Delay | undefined {
    const delay = this.#delays.find((other) => other.saved === saved);
    if (delay !== undefined) this.#keep((other) => other !== delay);
    return delay;
  }

  #install(root: InnerActor): void {
    const { system } = root;
    system._sendInspectionEvent = (event) => this.#inspect(event);
    system._relay = (source, target, event) => this.#relay(source, target, event);
    system.get = (systemId) => this.#names.get(systemId);
    system.getAll = () => Object.fromEntries(this.#names);
    system._set = (systemId, actor) => this.#name(systemId, actor);
    system._unregister = (actor) => this.#unregister(actor);
    system.scheduler.schedule = (...delay) => this.#schedule(...delay);
    system.scheduler.cancel = (actor, id) =>
      this.#keep(({ source, saved }) => source !== actor || saved.id !== id);
    system.scheduler.cancelAll = (actor) => this.#keep(({ source }) => source !== actor);
    this.#adopt(root);
  }

  #inspect(event: InnerInspection): void {
    if (event.type === "@xstate.actor") this.#adopt(event.actorRef);
    if (event.type !== "@xstate.microstep") return;
    if (this.#failure) throw this.#failure.error;
    if (this.#isOverdue()) throw this.#fail(endless());
    this.#hasUnhandled ||= event.actorRef === this.root && event.snapshot.status === "error";
    if (event.event !== this.#event) return;
    this.#isTaken ||= event._transitions.some(
      ({ target, actions }) => target !== undefined || actions.length > 0,
    );
  }

  #adopt(actor: InnerActor): void {
    const scope = actor._actorScope;
    scope.emit = (event) => {
      if (this.#mode === "idle")
        this.outside.report({ source: actor, target: actor, event, isEmitted: true });
      else this.#emitted.push(event);
    };
    if (hasEffects(actor)) {
      this.outside.adopt(actor);
      return;
    }
    const { actionExecutor, logger, stopChild } = scope;
    scope.logger = (...parts) => this.outside.act(() => logger(...parts));
    scope.actionExecutor = (action) => {
      const { exec } = action;
      const isBuiltIn = exec === undefined || action.type.startsWith("xstate.");
      // XState calls a built-in action at once, or at the start of the actor. So it calls this function for another.
      const postpone: InnerAction["exec"] = (info, params) => this.outside.act(() => exec?.(info, params));
      actionExecutor(isBuiltIn ? action : { ...action, exec: postpone });
    };
    scope.stopChild = (child) => {
      if (this.outside.isRunning(child)) return;
      this.#touch(child);
      stopChild(child);
    };
  }

  #relay(source: InnerActor | undefined, target: InnerActor, event: AnyEventObject): void {
    if (this.#mode === "idle") {
      this.outside.relay(source, target, event);
      return;
    }
    // On a restore, a child with `syncSnapshot` sends its snapshot, which its parent has received already.
    if (this.#mode === "restore" || this.#failure || target._processingStatus === stopped) return;
    if (this.#isOverdue()) {
      // Not thrown, because XState does not expect an error here.
      this.#fail(endless());
    } else if (hasEffects(target) && source !== target) {
      this.outside.send(target, event);
    } else {
      this.#touch(target);
      target._send(event);
    }
  }

  #touch(actor: InnerActor): void {
    if (this.#mode === "idle" || this.#touched.has(actor)) return;
    const { _snapshot, _processingStatus, mailbox, observers } = actor;
    this.#touched.set(actor, { _snapshot, _processingStatus, mailbox, observers: [...observers] });
  }

  #schedule(
    source: InnerActor,
    target: InnerActor,
    event: AnyEventObject,
    delay: number,
    id: string = randomUUID(),
  ): void {
    // An endless delay never delivers its event.
    if (delay === Number.POSITIVE_INFINITY) return;
    try {
      const place = `delays[${quote(id)}]`;
      const saved: SavedDelay = {
        at: this.#options.now() + (delay > 0 ? delay : 0),
        id,
        event: jsonCopy(event, `${place}.event`) as SavedDelay["event"],
        source: this.#pathOf(source, place),
        target: this.#pathOf(target, place),
      };
      const index = this.#delays.findLastIndex((other) => other.saved.at <= saved.at) + 1;
      this.#delays = this.#delays.toSpliced(index, 0, { saved, source, target });
    } catch (error) {
      this.#fail(error);
    }
  }

  #keep(isKept: (delay: Delay) => boolean): void {
    if (!this.#delays.every(isKept)) this.#delays = this.#delays.filter(isKept);
  }

  /** Removes the delays of actors that have ended, and for such actors. */
  #prune(): void {
    this.#keep(({ source, target }) => isAlive(source) && isAlive(target));
  }

  #pathOf(actor: InnerActor, place: string): readonly string[] {
    const path = pathOf(actor);
    if (actor.system === this.root.system) return path;
    throw new SnapshotError(
      `A snapshot cannot hold ${place}, because its actor ${quote(actor.id)} is not a child of the machine.`,
    );
  }

  #name(systemId: string, actor: InnerActor): void {
    const other = this.#names.get(systemId);
    if (other === actor) return;
    if (other !== undefined) throw new Error(`Actor with system ID '${systemId}' already exists.`);
    this.#names = new Map(this.#names).set(systemId, actor);
  }

  #unregister(actor: InnerActor): void {
    this.#hasStopped = true;
    const { systemId } = actor;
    if (systemId === undefined || this.#names.get(systemId) !== actor) return;
    const names = new Map(this.#names);
    names.delete(systemId);
    this.#names = names;
  }

  /** The error of a step whose event comes from a child with effects is a failure of this child. */
  #childError(cause: unknown): unknown {
    const source = this.#source;
    return source !== undefined && hasEffects(source) ? new ChildFailedError(pathOf(source), cause) : cause;
  }

  #isOverdue(): boolean {
    this.#iterations += 1;
    return this.#iterations > (this.#options.maxIterations ?? 10_000);
  }

  #fail(error: unknown): unknown {
    this.#failure ??= { error };
    return error;
  }
}

function putBack(actor: InnerActor, { observers, ...before }: ActorState): void {
  Object.assign(actor, before);
  actor._deferred.length = 0;
  for (const observer of observers) actor.observers.add(observer);
}

const endless = (): Error =>
  new Error("The step has taken too many microsteps: the machine may be in a loop.");
