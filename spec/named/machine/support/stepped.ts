import type { AnyEventObject, AnyStateMachine } from "xstate";
import { type ChildEvent, MachineRun, type StepResult } from "../../../../named/machine/machine-run.ts";

/** Runs a machine in steps, commits each at once, and keeps its time. */
export class Stepped {
  run: MachineRun;
  now = 0;
  /** The events that the steps have emitted. */
  readonly emitted: unknown[] = [];
  /** The events of children that wait for their step. */
  readonly waiting: ChildEvent[] = [];
  readonly actionErrors: unknown[] = [];
  readonly logged: unknown[][] = [];
  readonly #machine: AnyStateMachine;
  readonly #maxIterations: number | undefined;

  constructor(machine: AnyStateMachine, options: { input?: unknown; maxIterations?: number } = {}) {
    this.#machine = machine;
    this.#maxIterations = options.maxIterations;
    const { run, result } = MachineRun.start(machine, options.input, this.#options());
    this.run = run;
    this.keep(result);
  }

  step(event: AnyEventObject | string): StepResult {
    return this.keep(this.run.step(typeof event === "string" ? { type: event } : event));
  }

  /** Delivers the waiting events of children. */
  takeChildren(): void {
    for (const event of this.waiting.splice(0)) this.keep(this.run.stepChild(event));
  }

  /** Lets time pass, and delivers the delays that end, each in a step. */
  advance(ms: number): void {
    this.now += ms;
    for (let due = this.run.delays[0]; due !== undefined && due.at <= this.now; due = this.run.delays[0]) {
      this.keep(this.run.stepDelay(due));
    }
  }

  /** Continues from the saved machine in a new run, as another process does. */
  restore(machine: AnyStateMachine = this.#machine): void {
    const saved = JSON.parse(JSON.stringify(this.run.saved()));
    this.run.stop();
    this.waiting.length = 0;
    this.run = MachineRun.restore(machine, saved, this.#options());
    this.run.committed();
  }

  keep(result: StepResult): StepResult {
    this.run.committed();
    this.emitted.push(...result.emitted);
    return result;
  }

  #options() {
    return {
      now: () => this.now,
      onChild: (event: ChildEvent) => void this.waiting.push(event),
      onActionError: (error: unknown) => void this.actionErrors.push(error),
      logger: (...parts: unknown[]) => void this.logged.push(parts),
      ...(this.#maxIterations !== undefined && { maxIterations: this.#maxIterations }),
    };
  }
}
