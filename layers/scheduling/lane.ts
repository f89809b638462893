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

/** Tasks of one kind. They run in the check phase of the event loop, with equal shares of the lane's time. */
export interface Lane {
  /** Runs `task` in this turn, and in each later turn until `run` returns true. */
  add(task: Task): void;
}

/** A budget without a limit. */
export const unlimited: Budget = { hasTime: true, charge() {} };
