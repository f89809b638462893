import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { readMachine, type SavedDelay, type SavedMachine } from "../../actors/snapshot/actor-snapshot.ts";
import { checkState } from "../../actors/snapshot/check-state.ts";
import { type JsonObject, jsonCopy } from "../../actors/snapshot/json-copy.ts";
import { saveState } from "../../actors/snapshot/save-machine.ts";
import { SnapshotError } from "../../actors/snapshot/snapshot-error.ts";
import { textOf } from "../../layers/errors.ts";
import { type InnerActor, outerOf } from "./inner-actor.ts";
import { MachineSystem, type SystemOptions } from "./machine-system.ts";
import type { ChildEvent } from "./outside.ts";
import { isAttached, isBusy } from "./paths.ts";

export type { ChildEvent } from "./outside.ts";

export type RunOptions = SystemOptions;

/** Checks the events that a step has emitted. If it throws, the step fails with that error. */
export type CheckEmitted = (emitted: readonly unknown[]) => void;

/** The outcome of one step. */
export interface StepResult {
  /** Whether the saved form has changed. */
  readonly changed: boolean;
  /** The events that the machine and its children have emitted, in order. */
  readonly emitted: readonly unknown[];
  readonly status: "active" | "done";
  /** The output of a machine that is done. */
  readonly output?: unknown;
  /** Whether a transition has taken the event. */
  readonly taken: boolean;
}

/**
 * A machine that runs in steps: one event, one due delay, or one event of a child. A step is computed without effects.
 * Its custom actions, and the starts and stops of its promises, callbacks and observables, follow with
 * {@link committed}. Child machines and transition functions take part in the step.
 *
 * A step that throws has changed nothing. It throws the error of the machine, a {@link SnapshotError} if the new state
 * cannot be saved, or a {@link ChildFailedError}.
 */
export class MachineRun {
  readonly #machine: AnyStateMachine;
  readonly #system: MachineSystem;
  #state: JsonObject | undefined;
  #saved: SavedMachine | undefined;

  private constructor(machine: AnyStateMachine, system: MachineSystem) {
    this.#machine = machine;
    this.#system = system;
  }

  /** Starts a new machine: its first step. The result has `changed: true`. @throws as a step does. */
  static start(
    machine: AnyStateMachine,
    input: unknown,
    options: RunOptions,
    check?: CheckEmitted,
  ): { readonly run: MachineRun; readonly result: StepResult } {
    const system = new MachineSystem(machine, { input }, options);
    const run = new MachineRun(machine, system);
    return { run, result: run.#step(() => system.root.start(), check, true) };
  }

  /**
   * Continues from a saved machine. Its promises, callbacks and observables start anew with {@link committed}.
   * @throws {SnapshotError} if `saved` does not fit the machine.
   */
  static restore(machine: AnyStateMachine, saved: SavedMachine, options: RunOptions): MachineRun {
    const copy = readMachine(saved, machine.id);
    checkState(machine, copy);
    const system = new MachineSystem(machine, { snapshot: copy.state }, options);
    const { status, error } = system.root._snapshot;
    if (status !== "active") throw new SnapshotError(`The machine cannot be restored: ${textOf(error)}`);
    system.restore(copy.delays);
    return new MachineRun(machine, system);
  }

  get snapshot(): AnyMachineSnapshot {
    return outerOf(this.#system.root).getSnapshot() as AnyMachineSnapshot;
  }

  /** Delivers a message to the machine. */
  step(event: AnyEventObject, check?: CheckEmitted): StepResult {
    return this.#deliver(undefined, this.#system.root, event, check);
  }

  /** Delivers the event of a delay of {@link delays}. Does nothing if an earlier step has cancelled the delay. */
  stepDelay(saved: SavedDelay, check?: CheckEmitted): StepResult {
    return this.#step(() => {
      const delay = this.#system.take(saved);
      if (delay !== undefined) this.#system.deliver(delay.source, delay.target, saved.event);
    }, check);
  }

  /** Removes a delay without delivering its event. Returns whether there was such a delay. */
  dropDelay(saved: SavedDelay): boolean {
    this.#saved = undefined;
    return this.#system.take(saved) !== undefined;
  }

  /** Delivers an event of a child. Does nothing if the child was removed. */
  stepChild({ source, target, event, isEmitted }: ChildEvent, check?: CheckEmitted): StepResult {
    const isGone = ![source, target].every((actor) => actor === undefined || isAttached(actor));
    if (isGone) return this.#step(() => {});
    if (isEmitted) return this.#step(() => this.#system.emitted.push(event), check);
    return this.#deliver(source, target, event, check);
  }

  /** The state after the last step, as plain data. */
  saved(): SavedMachine {
    this.#state ??= this.#save();
    this.#saved ??= {
      machine: this.#machine.id,
      state: this.#state,
      delays: this.#system.delays.map(({ saved }) => saved),
    };
    return this.#saved;
  }

  /** The delays of the machine and its children, in the order of their ends. */
  get delays(): readonly SavedDelay[] {
    return this.saved().delays;
  }

  /** Whether a promise, callback or observable runs, or has sent an event that `onChild` has yet to get. */
  get isBusy(): boolean {
    return this.#system.outside.isReporting || isBusy(this.#system.root);
  }

  /**
   * Runs the custom actions of the steps since the last call, in order. Then stops and starts promises, callbacks and
   * observables.
   */
  committed(): void {
    this.#system.outside.carryOut();
  }

  /** Stops the promises, callbacks and observables, without a step. `onChild` is not called any more. */
  stop(): void {
    this.#system.outside.stop();
  }

  #deliver(
    source: InnerActor | undefined,
    target: InnerActor,
    event: AnyEventObject,
    check: CheckEmitted | undefined,
  ): StepResult {
    return this.#step(() => this.#system.deliver(source, target, event), check);
  }

  #step(deliver: () => void, check?: CheckEmitted, isFirst = false): StepResult {
    const system = this.#system;
    const { delays } = system;
    return system.step(deliver, () => {
      const hasChanged = isFirst || system.hasChanged;
      const { status, output } = this.snapshot;
      if (output !== undefined) jsonCopy(output, "output");
      check?.(system.emitted);
      if (hasChanged) this.#state = this.#save();
      const changed = hasChanged || system.delays !== delays;
      if (changed) this.#saved = undefined;
      return {
        changed,
        emitted: system.emitted,
        status: status as StepResult["status"],
        ...(status === "done" && { output }),
        taken: system.isTaken,
      };
    });
  }

  #save(): JsonObject {
    return saveState(outerOf(this.#system.root), "state") as JsonObject;
  }
}
