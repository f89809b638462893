import type { InspectionEvent, Observer } from "xstate";
import type { ChannelLayer } from "../layers/channel-layer.ts";
import type { Clock } from "../layers/clock.ts";
import type { NamedKinds } from "../named/named-kinds.ts";
import type { Child, Supervisor } from "./actor/supervisor.ts";
import type { Cluster } from "./cluster/cluster.ts";
import type { JobWorkers } from "./cluster/job-workers.ts";
import type { ConsumerSettingsReader } from "./consumer-settings.ts";
import type { Counters } from "./counters.ts";
import type { EventPublisher } from "./events/event-publisher.ts";
import type { InspectionHooks, Observed, Report } from "./inspection-hooks.ts";
import type { Instruments } from "./instruments.ts";
import type { ByteBudget } from "./limits/byte-budget.ts";
import type { ClientAddresses } from "./limits/client-address.ts";
import type { ConnectionLimits } from "./limits/connection-limits.ts";
import type { Limits } from "./limits/limits.ts";
import type { OccasionalReports } from "./occasional-reports.ts";
import type { Scheduler } from "./scheduler/scheduler.ts";
import type { Sessions } from "./session/sessions.ts";
import type { SignIns } from "./sign-in/sign-ins.ts";
import type { Heartbeat } from "./socket/heartbeat.ts";
import type { LostSockets } from "./socket/lost-sockets.ts";
import type { ProgressWatch } from "./socket/progress-watch.ts";
import type { SharedFrames } from "./socket/shared-frames.ts";

/** The objects that all connections of one runtime share. Each class declares which of them it needs. */
export interface RuntimeContext {
  readonly layers: Readonly<Record<string, ChannelLayer>>;
  readonly services: object;
  readonly limits: Limits;
  readonly settings: ConsumerSettingsReader;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly events: EventPublisher;
  readonly report: Report;
  readonly inspection: InspectionHooks;
  readonly instruments: Instruments;
  /** Observes each machine through XState's inspection protocol. Never throws. */
  readonly inspect: Observer<InspectionEvent> | undefined;
  /** Whether to check what consumers send against their contracts. */
  readonly validateOutgoing: boolean;
  readonly occasionalReports: OccasionalReports;
  readonly supervisor: Supervisor<Child & Observed>;
  readonly scheduler: Scheduler;
  readonly frames: SharedFrames;
  readonly clientAddresses: ClientAddresses;
  readonly connectionLimits: ConnectionLimits;
  readonly heartbeat: Heartbeat;
  readonly progressWatch: ProgressWatch;
  /** The bytes of unfinished messages of all clients. */
  readonly unfinishedBytes: ByteBudget;
  /** The bytes that wait for slow clients. */
  readonly waitingBytes: ByteBudget;
  readonly lostSockets: LostSockets;
  readonly sessions: Sessions;
  readonly signIns: SignIns;
  readonly cluster: Cluster;
  readonly workers: JobWorkers;
  readonly named: NamedKinds;
}
