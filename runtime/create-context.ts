import type { ChannelLayer } from "../layers/channel-layer.ts";
import { systemClock } from "../layers/clock.ts";
import { CallbackOwner, createReporter } from "../layers/error-reporter.ts";
import { NamedKinds } from "../named/named-kinds.ts";
import type { ConsumerActor } from "./actor/actor.ts";
import { Supervisor } from "./actor/supervisor.ts";
import { runOwned } from "./async-error-owner.ts";
import { Cluster } from "./cluster/cluster.ts";
import { chooseControlLayer } from "./cluster/control-layer.ts";
import { JobWorkers } from "./cluster/job-workers.ts";
import { ConsumerSettingsReader } from "./consumer-settings.ts";
import { Counters } from "./counters.ts";
import { EventPublisher } from "./events/event-publisher.ts";
import type { InspectionHooks } from "./inspection-hooks.ts";
import type { Instruments } from "./instruments.ts";
import { ByteBudget } from "./limits/byte-budget.ts";
import { ClientAddresses } from "./limits/client-address.ts";
import { ConnectionLimits } from "./limits/connection-limits.ts";
import { resolveLimits } from "./limits/limits.ts";
import { OccasionalReports } from "./occasional-reports.ts";
import type { RuntimeContext } from "./runtime-context.ts";
import type { Layers, RuntimeOptions } from "./runtime-options.ts";
import { Scheduler } from "./scheduler/scheduler.ts";
import { Sessions } from "./session/sessions.ts";
import { SignIns } from "./sign-in/sign-ins.ts";
import { Heartbeat } from "./socket/heartbeat.ts";
import { LostSockets } from "./socket/lost-sockets.ts";
import { ProgressWatch } from "./socket/progress-watch.ts";
import { SharedFrames } from "./socket/shared-frames.ts";
import { inspectionObserver } from "./xstate-inspect.ts";

/** The options of a runtime that its shared objects depend on. */
type ContextOptions = Omit<RuntimeOptions<Layers>, "compression" | "guards" | "layers" | "ownAsyncErrors">;

/**
 * Creates the objects that all connections of a runtime share.
 *
 * @throws {InvalidOptionError} for an unknown or invalid option.
 */
export function createContext(
  layers: Readonly<Record<string, ChannelLayer>>,
  {
    control,
    services = {},
    onError,
    inspect,
    validateOutgoing = process.env.NODE_ENV !== "production",
    clock = systemClock,
    trustProxy = false,
    ...given
  }: ContextOptions,
): RuntimeContext & { readonly supervisor: Supervisor<ConsumerActor> } {
  const limits = resolveLimits(given);
  const counters = new Counters();
  const reportToListener = createReporter(() => onError);
  const inspection: InspectionHooks = { observer: undefined, onFailure: undefined };
  const events: EventPublisher = new EventPublisher(() => cluster.id, clock, reportToListener);
  counters.onLimit = (limit) => events.limited(limit);
  const occasionalReports = new OccasionalReports(clock);
  const report = occasionalReports.paced((error, where, actor) => {
    inspection.onFailure?.(error, where, actor);
    events.failed(error, where);
    reportToListener(error, where);
  });
  const instruments: Instruments = { meter: undefined, tracer: undefined };
  const { nodeHeartbeatMs, connectTimeoutMs, maxPresenceBytes } = limits;
  const cluster = new Cluster({
    layers,
    control: chooseControlLayer(layers, control),
    nodeHeartbeatMs,
    connectTimeoutMs,
    maxPresenceBytes,
    clock,
    counters,
    events,
    occasionalReports,
    report,
    instruments,
  });
  // At the end of a turn, code that belongs to no actor is the code of inboxes of the application.
  const scheduler = runOwned(new CallbackOwner(report, { stage: "layer" }), () => new Scheduler());
  const frames = new SharedFrames();
  scheduler.flushes.onFlush = () => frames.renew();
  const observer = inspect && inspectionObserver(inspect, report);
  const clientAddresses = new ClientAddresses(trustProxy, report);
  const shared = { clientAddresses, clock, counters, limits, occasionalReports, report };
  return {
    ...shared,
    layers,
    services,
    cluster,
    workers: new JobWorkers(cluster, events, report),
    named: new NamedKinds({
      clock,
      lane: scheduler.named,
      report,
      layer: (alias, subject) => cluster.layer(alias, subject),
      onEvent: (event) => events.named(event),
    }),
    settings: new ConsumerSettingsReader(layers, limits, counters),
    events,
    inspection,
    instruments,
    inspect: observer,
    validateOutgoing,
    supervisor: new Supervisor<ConsumerActor>(observer),
    scheduler,
    frames,
    connectionLimits: new ConnectionLimits(shared),
    heartbeat: new Heartbeat(clock, limits.pingIntervalMs),
    progressWatch: new ProgressWatch(clock),
    unfinishedBytes: new ByteBudget(limits.maxUnfinishedBytes, 15 / 16),
    waitingBytes: new ByteBudget(limits.maxWaitingBytes, 3 / 4),
    lostSockets: new LostSockets(scheduler),
    sessions: new Sessions(() => cluster.id, limits, clock, counters),
    signIns: new SignIns(clock, limits, counters),
  };
}
