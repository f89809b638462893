import { runUnowned } from "../runtime/async-error-owner.ts";
import type { ConsumerClass } from "../runtime/consumer-settings.ts";
import { timeOf } from "../runtime/deadline.ts";
import type { Observed } from "../runtime/inspection-hooks.ts";
import type { Internals } from "../runtime/internals.ts";
import { ActivityLog } from "./activity/activity-log.ts";
import { ActivityRecorder } from "./activity/activity-recorder.ts";
import { ConsumerIndex } from "./activity/consumer-index.ts";
import type { Failures } from "./activity/failures.ts";
import { harmless, safely } from "./activity/guarded-observer.ts";
import { MachineEvents } from "./activity/machine-inspection.ts";
import { TransitionCounts } from "./activity/transition-counts.ts";
import type { Consumers, Failure, Tick } from "./protocol.ts";
import { ActorList } from "./view/actor-list.ts";
import { NodeReport } from "./view/node-report.ts";
import { takeCensus } from "./view/state-counts.ts";

/** To tell those who look takes one part in so many of the time, at most … */
const mostOf = 20;
/** … unless the page would take the server for gone meanwhile. In milliseconds. */
const longestPauseMs = 5_000;

/** Somebody who looks. */
export interface Reader {
  /** There are new consumers. */
  consumersChanged(consumers: Consumers): void;
  ticked(tick: Tick): void;
}

/** How it is looked. */
export interface LookoutOptions {
  readonly failures: Failures;
  /** Whether the actors of a consumer are not to be shown. */
  readonly isHidden: (Consumer: ConsumerClass) => boolean;
  /** Milliseconds between two ticks. */
  readonly tickMs: number;
}

/** What is there only while somebody looks. */
interface ActiveSession {
  readonly moves: TransitionCounts;
  readonly histories: ActivityLog;
  readonly machineEvents: MachineEvents;
  readonly recorder: ActivityRecorder;
  timer: NodeJS.Timeout;
  /** In milliseconds since 1970. */
  readonly since: number;
}

/**
 * Looks at a runtime while it has readers, and tells them of it at each tick. While it has none, nothing is recorded, no timer
 * runs and nobody hears what actors do.
 */
export class InspectorSession {
  readonly consumers = new ConsumerIndex();
  readonly list: ActorList;
  readonly #internals: Internals;
  readonly #failures: Failures;
  readonly #isHidden: (Consumer: ConsumerClass) => boolean;
  readonly #tickMs: number;
  readonly #nodeReport: NodeReport;
  readonly #readers = new Set<Reader>();
  #sight: ActiveSession | undefined;
  #latest: Tick | undefined;
  #turnedAt = 0;
  /** Of {@link ConsumerIndex.changes}, how many the readers have been told of. */
  #announced = 0;

  constructor(internals: Internals, { failures, isHidden, tickMs }: LookoutOptions) {
    const { context } = internals;
    this.#internals = internals;
    this.#failures = failures;
    this.#isHidden = isHidden;
    this.#tickMs = tickMs;
    this.#nodeReport = new NodeReport(context.layers, context.counters);
    const actors = { [Symbol.iterator]: () => this.#actors() };
    this.list = new ActorList(actors, this.consumers, failures, () => timeOf(context.clock));
  }

  get histories(): ActivityLog | undefined {
    return this.#sight?.histories;
  }

  /** Since when it is looked, in milliseconds since 1970. */
  get since(): number {
    return this.#sight?.since ?? Date.now();
  }

  /** Takes a reader in, and tells it what there is. */
  add(reader: Reader): void {
    const isFirst = this.#readers.size === 0;
    // Whatever fails from here on, it leaves again.
    this.#readers.add(reader);
    this.#sight ??= this.#start();
    const latest = this.#latest ?? this.#look(this.#sight);
    if (isFirst) this.#announced = this.consumers.changes;
    reader.consumersChanged(this.#consumersNow());
    // What moved before it came is nothing that moves now.
    reader.ticked({ ...latest, moves: [] });
  }

  remove(reader: Reader): void {
    if (!this.#readers.delete(reader) || this.#readers.size > 0 || this.#sight === undefined) return;
    const { machineEvents, timer } = this.#sight;
    this.#sight = undefined;
    this.#latest = undefined;
    this.#internals.context.inspection.observer = undefined;
    machineEvents.stop();
    this.#nodeReport.stop();
    clearTimeout(timer);
  }

  /** Records a failure in the history of the actor whose it is, if somebody looks. */
  failed({ actor, stage, message }: Failure): void {
    if (actor === undefined) return;
    this.#sight?.histories.work(actor, () => ({
      kind: "failed",
      from: "actor",
      to: "actor",
      what: stage,
      detail: message,
    }));
  }

  #start(): ActiveSession {
    const { inspection, supervisor, report } = this.#internals.context;
    const moves = new TransitionCounts();
    const histories = new ActivityLog(this.#tickMs);
    const machineEvents = new MachineEvents(
      { consumers: this.consumers, moves, histories, report },
      this.#isHidden,
    );
    const recorder = new ActivityRecorder(histories, machineEvents);
    inspection.observer = harmless(recorder, this.#isHidden, report);
    machineEvents.start(supervisor.actor, this.#actors());
    this.#nodeReport.start();
    this.#turnedAt = performance.now();
    const timer = this.#wait(this.#tickMs);
    return { moves, histories, machineEvents, recorder, timer, since: Date.now() };
  }

  #wait(ms: number): NodeJS.Timeout {
    // Not of the connection that came first.
    return runUnowned(() => setTimeout(() => this.#pass(), ms).unref());
  }

  /** The next tick comes the later the longer this one takes: where there is very much to see, too. */
  #pass(): void {
    const start = performance.now();
    safely(() => this.#turn(), this.#internals.context.report)();
    const took = performance.now() - start;
    const pauseMs = Math.max(this.#tickMs, Math.min(took * mostOf, longestPauseMs));
    if (this.#sight !== undefined) this.#sight.timer = this.#wait(pauseMs);
  }

  #turn(): void {
    if (this.#sight === undefined) return;
    const tick = this.#look(this.#sight);
    const now = performance.now();
    this.#sight.histories.turn(now - this.#turnedAt);
    this.#turnedAt = now;
    const news = this.consumers.changes > this.#announced ? this.#consumersNow() : undefined;
    this.#announced = this.consumers.changes;
    const tell = safely((reader: Reader) => {
      if (news !== undefined) reader.consumersChanged(news);
      reader.ticked(tick);
    }, this.#internals.context.report);
    for (const reader of this.#readers) tell(reader);
  }

  #look({ moves, recorder }: ActiveSession): Tick {
    const { router } = this.#internals;
    const routed = new Set(router.routes.map(({ Consumer }) => Consumer));
    for (const Consumer of routed) if (!this.#isHidden(Consumer)) this.consumers.of(Consumer);
    const census = takeCensus(this.#actors(), this.consumers);
    this.consumers.keep(({ id, Consumer }) => routed.has(Consumer) || Object.hasOwn(census, id));
    const actors = Object.values(census).reduce((sum, { total }) => sum + total, 0);
    const tick: Tick = {
      type: "tick",
      at: Date.now(),
      ...this.#nodeReport.take(recorder, { actors, watching: this.#readers.size }),
      census,
      moves: moves.take(),
      failures: this.#failures.recent,
    };
    this.#latest = tick;
    return tick;
  }

  #consumersNow(): Consumers {
    return { type: "consumers", consumers: this.consumers.facts(this.#internals.router.routes) };
  }

  *#actors(): IterableIterator<Observed> {
    for (const actor of this.#internals.context.supervisor.children)
      if (!this.#isHidden(actor.Consumer)) yield actor;
  }
}
