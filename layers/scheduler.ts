/** A share of one turn of the event loop. */
export interface Budget {
  /** Whether time is left. */
  readonly hasTime: boolean;
  /** Records completed work. A unit is about a microsecond of work. */
  charge(units: number): void;
}

/** Work that can be interrupted. */
export interface Task {
  /** Works while `budget` has time, at least for one step. MUST NOT throw. @returns whether all is done. */
  run(budget: Budget): boolean;
}

/** Runs tasks in the check phase of the event loop. Tasks take turns, each with an equal share of the time. */
export interface Scheduler {
  /** Runs `task` in this turn, and in each later turn until `run` returns true. MUST NOT be added twice. */
  add(task: Task): void;
}

/** A budget without a limit. */
export const unlimited: Budget = { hasTime: true, charge() {} };
