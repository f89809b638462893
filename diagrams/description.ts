/** An action or a guard: its name, and what it was given, where that can be written as JSON. */
export interface Named {
  /** The name; XState's own begin with `xstate.`, and a function without a name is `inline`. */
  readonly type: string;
  readonly params?: unknown;
}

/** What makes a transition happen. */
export type Trigger =
  | { readonly kind: "event"; readonly type: string }
  | { readonly kind: "always" }
  | { readonly kind: "after"; readonly delay: number | string }
  /** The state itself is done: a child of it is final. */
  | { readonly kind: "done" }
  | { readonly kind: "actor"; readonly what: "done" | "error" | "snapshot"; readonly id: string };

export interface TransitionDescription {
  readonly trigger: Trigger;
  readonly guard?: Named;
  readonly actions: readonly Named[];
  /** The ids of states; absent where the machine stays where it is. */
  readonly targets?: readonly string[];
  readonly reenter: boolean;
  readonly description?: string;
}

export interface InvokeDescription {
  readonly id: string;
  /** The name of the actor's logic; `inline` for one without. */
  readonly src: string;
  /** Whether `id` was chosen, and not made by XState. */
  readonly named: boolean;
}

export interface StateDescription {
  /** Unique in its machine. */
  readonly id: string;
  /** Its name in the state that it is in. */
  readonly key: string;
  readonly type: "atomic" | "compound" | "parallel" | "final" | "history";
  /** Whether `id` was chosen, and not made by XState. */
  readonly named: boolean;
  readonly description?: string;
  readonly tags: readonly string[];
  /** The id of the first state, and what is done on the way to it. */
  readonly initial?: { readonly target: string; readonly actions: readonly Named[] };
  readonly history?: "shallow" | "deep";
  /** Where a history state leads while there is no history; absent where that is the initial state. */
  readonly defaults?: readonly string[];
  /** `xstate.route` leads to it. */
  readonly route?: Omit<TransitionDescription, "trigger" | "targets">;
  readonly entry: readonly Named[];
  readonly exit: readonly Named[];
  readonly invokes: readonly InvokeDescription[];
  readonly transitions: readonly TransitionDescription[];
  readonly states: readonly StateDescription[];
  readonly meta?: unknown;
  readonly output?: unknown;
}

/** A machine as plain values: what all pictures of it are made from. */
export interface MachineDescription {
  readonly id: string;
  readonly version?: string;
  readonly context?: unknown;
  readonly root: StateDescription;
}
