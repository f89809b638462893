/** The name of an action or guard, and its parameters if JSON can represent them. */
export interface Named {
  /** The name; `inline` for an anonymous function. Names of XState's own functions begin with `xstate.`. */
  readonly type: string;
  readonly params?: unknown;
}

/** The cause of a transition. */
export type Trigger =
  | { readonly kind: "event"; readonly type: string }
  | { readonly kind: "always" }
  | { readonly kind: "after"; readonly delay: number | string }
  /** The state is done because one of its final children was entered. */
  | { readonly kind: "done" }
  | { readonly kind: "actor"; readonly what: "done" | "error" | "snapshot"; readonly id: string };

/** A transition as plain values. */
export interface TransitionDescription {
  readonly trigger: Trigger;
  readonly guard?: Named;
  readonly actions: readonly Named[];
  /** The ids of the target states; absent if the transition has no target and keeps the state. */
  readonly targets?: readonly string[];
  readonly reenter: boolean;
  readonly description?: string;
}

/** An invoked actor as plain values. */
export interface InvokeDescription {
  readonly id: string;
  /** The name of the actor's logic; `inline` if the logic has no name. */
  readonly src: string;
  /** Whether the machine's source sets `id`; otherwise XState generated it. */
  readonly named: boolean;
}

/** A state with its child states, as plain values. */
export interface StateDescription {
  /** The state's id, which is unique in the machine. */
  readonly id: string;
  /** The state's name, which is unique within the parent. */
  readonly key: string;
  readonly type: "atomic" | "compound" | "parallel" | "final" | "history";
  /** Whether the machine's source sets `id`; otherwise XState generated it. */
  readonly named: boolean;
  readonly description?: string;
  readonly tags: readonly string[];
  /** The id of the initial state, and the actions of the initial transition. */
  readonly initial?: { readonly target: string; readonly actions: readonly Named[] };
  readonly history?: "shallow" | "deep";
  /** The default targets of a history state; absent if the default is the parent's initial state. */
  readonly defaults?: readonly string[];
  /** The transition that an `xstate.route` event to this state takes. */
  readonly route?: Omit<TransitionDescription, "trigger" | "targets">;
  readonly entry: readonly Named[];
  readonly exit: readonly Named[];
  readonly invokes: readonly InvokeDescription[];
  readonly transitions: readonly TransitionDescription[];
  readonly states: readonly StateDescription[];
  readonly meta?: unknown;
  readonly output?: unknown;
}

/** A machine as plain values. All pictures are made from a description. */
export interface MachineDescription {
  readonly id: string;
  readonly version?: string;
  readonly context?: unknown;
  readonly root: StateDescription;
}
