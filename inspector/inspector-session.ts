import { runUnowned } from "../runtime/async-error-owner.ts";
import type { ConsumerClass } from "../runtime/consumer-settings.ts";
import { timeOf } from "../runtime/deadline.ts";
import type { Observed } from "../runtime/inspection-hooks.ts";
import type { Internals } from "../runtime/internals.ts";
import { ActivityLog } from "./activity/activity-log.ts";
import { ActivityRecorder } from "./activity/activity-recorder.ts";
import { ConsumerIndex } from "./activity/consumer-index.ts";
import type { Failures } from "./activity/failures.ts";
import { guarded, guardedObserver } from "./activity/guarded-observer.ts";
import { MachineInspection } from "./activity/machine-inspection.ts";
import { TransitionCounts } from "./activity/transition-counts.ts";
import type { Consumers, Failure, NamedReport, Tick } from "./protocol.ts";
import { ActorList } from "./view/actor-list.ts";
import { consumerFacts } from "./view/consumer-facts.ts";
import { type KindRequest, namedKindFacts, namedReport } from "./view/named-report.ts";
import { NodeReport } from "./view/node-report.ts";
import { countStates } from "./view/state-counts.ts";

/** A pause lasts at least 20 times as long as the tick before it, so ticks take at most 5 % of the time. */
const pausePerTick = 20;
/** The longest pause between ticks. It is shorter than the 15 s of silence after which a page reconnects. */
const maxPauseMs = 5_000;

export interface SessionSubscriber {
  onConsumers(consumers: Consumers): void;
  onTick(tick: Tick): void;
}

export interface SessionOptions {
  readonly failures: Failures;
  readonly isHidden: (Consumer: ConsumerClass) => boolean;
  /** The shortest interval between two ticks, in milliseconds. */
  readonly tickMs: number;
}

interface ActiveSession {
  readonly transitionCounts: TransitionCounts;
  readonly activityLog: ActivityLog;
  readonly machineInspection: MachineInspection;
  readonly recorder: ActivityRecorder;
  timer: NodeJS.Timeout;
  /** The time at which the recording started, in milliseconds since 1970. */
  readonly since: number;
  lastTickAt: number;
  lastTick?: Tick;
}

/** Reports on a runtime at each tick. Without subscribers, a session observes nothing and runs no timer. */
export class InspectorSession {
  readonly consumers = new ConsumerIndex();
  readonly actors: ActorList;
  readonly #internals: Internals;
  readonly #options: SessionOptions;
  readonly #nodeReport: NodeReport;
  readonly #subscribers = new Set<SessionSubscriber>();
  #active: ActiveSession | undefined;
  /** The value of {@link ConsumerIndex.changes} that was last reported. */
  #announced = 0;

  constructor(internals: Internals, options: SessionOptions) {
    const { context } = internals;
    this.#internals = internals;
    this.#options = options;
    this.#nodeReport = new NodeReport(context);
    const visible = { [Symbol.iterator]: () => this.#visibleActors() };
    this.actors = new ActorList(visible, this.consumers, options.failures, () => timeOf(context.clock));
  }

  get activityLog(): ActivityLog | undefined {
    return this.#active?.activityLog;
  }

  /** The time at which the recording started, in milliseconds since 1970. */
  get since(): number {
    return this.#active?.since ?? Date.now();
  }

  /** Reports the current state before `subscribe` returns, and later at each tick. */
  subscribe(subscriber: SessionSubscriber): void {
    const isFirst = this.#subscribers.size === 0;
    // Adds the subscriber first: a call below may throw, and `unsubscribe` ignores an unknown subscriber.
    this.#subscribers.add(subscriber);
    this.#active ??= this.#start();
    const latest = this.#active.lastTick ?? this.#takeTick(this.#active);
    if (isFirst) this.#announced = this.consumers.changes;
    subscriber.onConsumers(this.#consumersReport());
    // Omits the transitions that were counted before the subscription.
    subscriber.onTick({ ...latest, transitions: [] });
  }

  unsubscribe(subscriber: SessionSubscriber): void {
    if (!this.#subscribers.delete(subscriber) || this.#subscribers.size > 0 || this.#active === undefined)
      return;
    const { machineInspection, timer } = this.#active;
    this.#active = undefined;
    this.#internals.context.inspection.observer = undefined;
    machineInspection.stop();
    this.#nodeReport.stop();
    clearTimeout(timer);
  }

  recordFailure({ actor, stage, message }: Failure): void {
    if (actor === undefined) return;
    const entry = { kind: "failed", from: "actor", to: "actor", what: stage, detail: message } as const;
    this.#active?.activityLog.recordWork(actor, () => entry);
  }

  /** Reads what the store has of a kind of named actors. Never rejects. */
  readNamed(request: KindRequest, payloads: boolean): Promise<NamedReport> {
    return namedReport(this.#internals.context.named, request, payloads);
  }

  #start(): ActiveSession {
    const { inspection, supervisor, report } = this.#internals.context;
    const { isHidden, tickMs } = this.#options;
    const transitionCounts = new TransitionCounts();
    const activityLog = new ActivityLog(tickMs);
    const { consumers } = this;
    const context = { consumers, transitionCounts, activityLog, isHidden, report };
    const machineInspection = new MachineInspection(context);
    const recorder = new ActivityRecorder(activityLog, machineInspection);
    inspection.observer = guardedObserver(recorder, isHidden, report);
    machineInspection.start(supervisor.actor, this.#visibleActors());
    this.#nodeReport.start();
    return {
      transitionCounts,
      activityLog,
      machineInspection,
      recorder,
      timer: this.#schedule(tickMs),
      since: Date.now(),
      lastTickAt: performance.now(),
    };
  }

  #schedule(ms: number): NodeJS.Timeout {
    // Without `runUnowned`, errors of the timer would be reported as errors of the first subscriber.
    return runUnowned(() => setTimeout(() => this.#run(), ms).unref());
  }

  #run(): void {
    const start = performance.now();
    guarded(() => this.#tick(), this.#internals.context.report)();
    const pauseMs = Math.min((performance.now() - start) * pausePerTick, maxPauseMs);
    if (this.#active !== undefined)
      this.#active.timer = this.#schedule(Math.max(this.#options.tickMs, pauseMs));
  }

  #tick(): void {
    if (this.#active === undefined) return;
    const tick = this.#takeTick(this.#active);
    const now = performance.now();
    this.#active.activityLog.tick(now - this.#active.lastTickAt);
    this.#active.lastTickAt = now;
    const news = this.consumers.changes > this.#announced ? this.#consumersReport() : undefined;
    this.#announced = this.consumers.changes;
    const inform = guarded((subscriber: SessionSubscriber) => {
      if (news !== undefined) subscriber.onConsumers(news);
      subscriber.onTick(tick);
    }, this.#internals.context.report);
    for (const subscriber of this.#subscribers) inform(subscriber);
  }

  #takeTick(active: ActiveSession): Tick {
    const routed = new Set(this.#internals.router.routes.map(({ Consumer }) => Consumer));
    for (const Consumer of routed) if (!this.#options.isHidden(Consumer)) this.consumers.getOrAdd(Consumer);
    const stateCounts = countStates(this.#visibleActors(), this.consumers);
    this.consumers.retain(({ id, Consumer }) => routed.has(Consumer) || Object.hasOwn(stateCounts, id));
    const actors = Object.values(stateCounts).reduce((sum, { total }) => sum + total, 0);
    active.lastTick = {
      type: "tick",
      at: Date.now(),
      ...this.#nodeReport.take(active.recorder, { actors, watching: this.#subscribers.size }),
      stateCounts,
      transitions: active.transitionCounts.take(),
      named: namedKindFacts(this.#internals.context),
      failures: this.#options.failures.recent,
    };
    return active.lastTick;
  }

  #consumersReport(): Consumers {
    return { type: "consumers", consumers: consumerFacts(this.consumers, this.#internals.router.routes) };
  }

  *#visibleActors(): IterableIterator<Observed> {
    for (const actor of this.#internals.context.supervisor.children)
      if (!this.#options.isHidden(actor.Consumer)) yield actor;
  }
}
