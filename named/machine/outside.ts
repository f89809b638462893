import type { AnyEventObject } from "xstate";
import { hasEffects, type InnerActor, notStarted } from "./inner-actor.ts";
import { isAlive } from "./paths.ts";

/** An event from outside the steps of a machine, for example of a promise. Its delivery is a step of its own. */
export interface ChildEvent {
  readonly source: InnerActor | undefined;
  readonly target: InnerActor;
  readonly event: AnyEventObject;
  /** Whether the source has emitted the event. */
  readonly isEmitted: boolean;
}

export interface OutsideOptions {
  /**
   * Called when a running child, or a custom action, has sent or emitted an event, to be passed to
   * {@link MachineRun.stepChild}. Never called within a call of the run.
   */
  readonly onChild: (event: ChildEvent) => void;
  /** Called with the error of a custom action. */
  readonly onActionError: (error: unknown) => void;
}

/** The effects that the steps of a machine have yet to cause outside, and its running children with effects. */
export class Outside {
  readonly #options: OutsideOptions;
  /** Custom actions, and events for running children. */
  #actions: (() => void)[] = [];
  /** Starts of children, and events for them. */
  #starts: (() => void)[] = [];
  readonly #running = new Set<InnerActor>();
  /** The events that {@link OutsideOptions.onChild} has yet to get. */
  #reports = 0;
  #isStopped = false;

  constructor(options: OutsideOptions) {
    this.#options = options;
  }

  get isReporting(): boolean {
    return this.#reports > 0;
  }

  isRunning(actor: InnerActor): boolean {
    return this.#running.has(actor);
  }

  /** Returns a function that forgets all that was added after this call. */
  mark(): () => void {
    const actions = this.#actions.length;
    const starts = this.#starts.length;
    return () => {
      this.#actions.length = actions;
      this.#starts.length = starts;
    };
  }

  /** Makes an actor with effects start in {@link carryOut}, unless it is stopped before. */
  adopt(actor: InnerActor): void {
    const { start } = actor;
    actor.start = () => {
      this.#starts.push(() => {
        if (!isStarting(actor)) return;
        this.#running.add(actor);
        start.call(actor);
      });
    };
  }

  act(action: () => void): void {
    this.#actions.push(action);
  }

  /** Sends an event to an actor with effects in {@link carryOut}. */
  send(actor: InnerActor, event: AnyEventObject): void {
    const send = (): void => {
      // An actor that has yet to start takes the event after its start.
      if (this.#running.has(actor) || isStarting(actor)) actor._send(event);
    };
    if (this.#running.has(actor)) this.#actions.push(send);
    else this.#starts.push(send);
  }

  /** Takes an event that is sent between steps. */
  relay(source: InnerActor | undefined, target: InnerActor, event: AnyEventObject): void {
    // An actor with effects sends the events that change its state to itself.
    if (!hasEffects(target) || source === target) this.report({ source, target, event, isEmitted: false });
    else if (this.#running.has(target) && isAlive(target)) target._send(event);
  }

  report(event: ChildEvent): void {
    this.#reports += 1;
    queueMicrotask(() => {
      this.#reports -= 1;
      if (!this.#isStopped) this.#options.onChild(event);
    });
  }

  /** Runs the custom actions, stops the children that have been removed, and starts new ones. */
  carryOut(): void {
    const [actions, starts] = [this.#actions, this.#starts];
    this.#actions = [];
    this.#starts = [];
    for (const action of actions) {
      try {
        action();
      } catch (error) {
        this.#options.onActionError(error);
      }
    }
    for (const actor of this.#running) {
      if (!isAlive(actor)) this.#stop(actor);
    }
    for (const start of starts) start();
  }

  /** Stops all children. No event is reported after this call. */
  stop(): void {
    this.#isStopped = true;
    for (const actor of this.#running) this.#stop(actor);
  }

  #stop(actor: InnerActor): void {
    this.#running.delete(actor);
    actor._stop();
  }
}

const isStarting = (actor: InnerActor): boolean => actor._processingStatus === notStarted && isAlive(actor);
