import { type AnyActorRef, createActor, fromTransition, type InspectionEvent, type Observer } from "xstate";
import { trackInspection } from "../../actors/connection-machine.ts";
import { CloseCode } from "../../actors/index.ts";
import type { Clock } from "../../layers/clock.ts";

const batches = 20;

export interface Child {
  readonly machine: AnyActorRef;
  readonly isIdle: boolean;
  toJSON(): object;
  shutDown(code: number, reason: string): void;
  /** Called when the machine failed. Releases all resources, without waiting for handlers. MUST NOT throw. */
  abandon(error: unknown): void;
}

interface ChildEvent {
  readonly type: string;
  readonly actorId: string;
  readonly error?: unknown;
}

/**
 * The parent of all actors of a runtime. A child that fails affects neither other children nor the process.
 * XState's `spawn` is not used, because it copies the map of children at each call: see
 * `docs/design/01-connection-actors.md`.
 */
export class Supervisor<C extends Child = Child> {
  readonly #children = new Map<string, C>();
  #onEmpty: (() => void)[] = [];

  readonly actor: AnyActorRef;

  constructor(inspect?: Observer<InspectionEvent>) {
    const logic = fromTransition((_: undefined, event: ChildEvent) => this.#onChildEvent(event), undefined);
    this.actor = createActor(logic, { id: "supervisor", ...(inspect && { inspect }) }).start();
    trackInspection(this.actor.system, inspect !== undefined);
  }

  get children(): IterableIterator<C> {
    return this.#children.values();
  }

  get size(): number {
    return this.#children.size;
  }

  /** Adds a child. MUST be called before the child starts. */
  add(child: C): void {
    this.#children.set(child.machine.id, child);
  }

  whenEmpty(): Promise<void> {
    if (this.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onEmpty.push(resolve);
    });
  }

  /**
   * Closes all children with the code 1012, in up to 20 batches. The batches are spread over `spreadMs`, so
   * that clients do not all reconnect at the same time. Resolves when there are no children left.
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

  #onChildEvent(event: ChildEvent): undefined {
    const child = this.#children.get(event.actorId);
    if (!child) return;
    this.#children.delete(event.actorId);
    if (event.type.startsWith("xstate.error.actor.")) child.abandon(event.error);
    if (this.size === 0) for (const resolve of this.#onEmpty.splice(0)) resolve();
  }
}
