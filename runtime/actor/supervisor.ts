import { type AnyActorRef, createActor, fromTransition, type InspectionEvent, type Observer } from "xstate";
import { trackInspection } from "../../actors/connection-machine.ts";
import { CloseCode } from "../../actors/index.ts";
import type { Clock } from "../../layers/clock.ts";

const batches = 20;

/** An actor as its supervisor sees it. */
export interface Child {
  readonly machine: AnyActorRef;
  /** Whether nothing is being handled and nothing waits. */
  readonly isIdle: boolean;
  /** The name in a snapshot of its machine. */
  toJSON(): object;
  /** Closes the connection. */
  shutDown(code: number, reason: string): void;
  /** Frees everything at once, because the machine failed. MUST NOT throw. */
  abandon(error: unknown): void;
}

interface ChildEvent {
  readonly type: string;
  readonly actorId: string;
  readonly error?: unknown;
}

/**
 * The parent of all actors of a runtime; they share its XState system. It is told how each child ends, so that a failure
 * reaches neither another child nor the process.
 *
 * The children are created with `createActor(logic, { parent })` and not spawned by a machine, because XState copies
 * a machine's map of children at each spawn: see `docs/design/01-connection-actors.md`.
 */
export class Supervisor<C extends Child = Child> {
  readonly #children = new Map<string, C>();
  #onEmpty: (() => void)[] = [];

  /** The `parent` of each child. */
  readonly actor: AnyActorRef;

  /** @param inspect observes the supervisor and all children from the start. */
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

  /** Adds a child, before it starts. */
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

  /**
   * Closes the children with 1012, in 20 batches over `spreadMs` milliseconds, so that the clients do not all reconnect to
   * other servers at the same moment. A batch has at least 50. Resolves once no child is left.
   */
  async drain(spreadMs: number, clock: Clock): Promise<void> {
    const children = [...this.children];
    const size = Math.max(50, Math.ceil(children.length / batches));
    for (let start = 0; start < children.length; start += size) {
      if (start > 0)
        await new Promise<void>((resolve) => clock.setTimeout(() => resolve(), spreadMs / batches));
      for (const child of children.slice(start, start + size)) {
        child.shutDown(CloseCode.restart, "The server is restarting");
      }
    }
    await this.whenEmpty();
  }

  #hear(event: ChildEvent): undefined {
    const child = this.#children.get(event.actorId);
    if (!child) return;
    this.#children.delete(event.actorId);
    if (event.type.startsWith("xstate.error.actor.")) child.abandon(event.error);
    if (this.size === 0) for (const resolve of this.#onEmpty.splice(0)) resolve();
  }
}
