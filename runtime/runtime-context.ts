import type { InspectionEvent, Observer } from "xstate";
import type { ChannelLayer } from "../layers/channel-layer.ts";
import type { Clock } from "../layers/clock.ts";
import type { Child, Supervisor } from "./actor/supervisor.ts";
import type { Cluster } from "./cluster/cluster.ts";
import type { Workers } from "./cluster/job-workers.ts";
import type { ConsumerSettingsReader } from "./consumer-settings.ts";
import type { Counters } from "./counters.ts";
import type { InspectionHooks, Observed, Report } from "./inspection-hooks.ts";
import type { Limits } from "./limits.ts";
import type { FlushScheduler } from "./socket/flush-scheduler.ts";
import type { Heartbeat } from "./socket/heartbeat.ts";
import type { SlowReaderWatch } from "./socket/slow-reader-watch.ts";

/** What all connections of one runtime share. */
export interface RuntimeContext {
  readonly layers: Readonly<Record<string, ChannelLayer>>;
  readonly limits: Limits;
  readonly settings: ConsumerSettingsReader;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly report: Report;
  readonly inspection: InspectionHooks;
  /** Hears what XState does in each machine. Never throws. */
  readonly inspect: Observer<InspectionEvent> | undefined;
  readonly supervisor: Supervisor<Child & Observed>;
  readonly turn: FlushScheduler;
  readonly heartbeat: Heartbeat;
  readonly lagWatch: SlowReaderWatch;
  readonly cluster: Cluster;
  readonly workers: Workers;
}
