import { type AnyActorRef, createActor, fromTransition, type InspectionEvent, type Observer } from "xstate";
import { trackInspection } from "../../actors/connection-machine.ts";

/** An actor as its supervisor sees it. */
export interface Child {
  readonly machine: AnyActorRef;
  /** Whether it does nothing, and nothing waits for it. */
  readonly isIdle: boolean;
  /** What people call it. */
  toJSON(): object;
  /** Its machine broke and cannot clean up in the ordinary way: free everything at once. MUST NOT throw. */
  abandon(error: unknown): void;
}

interface ChildEvent {
  readonly type: string;
  readonly actorId: string;
  readonly error?: unknown;
}

/**
 * The parent of all actors of a runtime, in whose XState system they live. It hears how each of them ends, so that no
 * failure of one reaches another or the process.
 *
 * The children are made with `createActor(logic, { parent })` and are not spawned by a machine, because XState copies
 * a machine's map of children at each spawn: see `docs/decisions.md`.
 */
export class Supervisor<C extends Child = Child> {
  readonly #children = new Map<string, C>();
  #onEmpty: (() => void)[] = [];

  /** To be given as `parent`. */
  readonly actor: AnyActorRef;

  /** @param inspect hears what XState does in it and in all its children, from its start. */
  constructor(inspect?: Observer<InspectionEvent>) {
    const logic = fromTransition((_: undefined, event: ChildEvent) => this.#hear(event), undefined);
    this.actor = createActor(logic, { id: "supervisor", ...(inspect && { inspect }) }).start();
    trackInspection(this.actor.system, inspect !== undefined);
  }

  get children(): IterableIterator<C> {
    return this.#children.values();
  }

  get size(): number {
    return this.#children.size;
  }

  /** Takes a child in, before it starts. */
  add(child: C): void {
    this.#children.set(child.machine.id, child);
  }

  /** Resolves once no child is left. */
  whenEmpty(): Promise<void> {
    if (this.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onEmpty.push(resolve);
    });
  }

  #hear(event: ChildEvent): undefined {
    const child = this.#children.get(event.actorId);
    if (!child) return;
    this.#children.delete(event.actorId);
    if (event.type.startsWith("xstate.error.actor.")) child.abandon(event.error);
    if (this.size === 0) for (const resolve of this.#onEmpty.splice(0)) resolve();
  }
}
