import type { InspectionEvent, Observer } from "xstate";
import type { ChannelLayer } from "../layers/channel-layer.ts";
import type { Clock } from "../layers/contract.ts";
import type { ConsumerSettingsReader } from "./consumer-settings.ts";
import type { Control } from "./control/control.ts";
import type { Counters } from "./counters.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { Inspection, Observed, Report } from "./inspection.ts";
import type { LagWatch } from "./lag-watch.ts";
import type { Limits } from "./limits.ts";
import type { Child, Supervisor } from "./supervisor.ts";
import type { Turn } from "./turn.ts";
import type { Workers } from "./workers.ts";

/** What all connections of one runtime share. */
export interface Environment {
  readonly layers: Readonly<Record<string, ChannelLayer>>;
  readonly limits: Limits;
  readonly settings: ConsumerSettingsReader;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly report: Report;
  readonly inspection: Inspection;
  /** Hears what XState does in each machine. Never throws. */
  readonly inspect: Observer<InspectionEvent> | undefined;
  readonly supervisor: Supervisor<Child & Observed>;
  readonly turn: Turn;
  readonly heartbeat: Heartbeat;
  readonly lagWatch: LagWatch;
  readonly control: Control;
  readonly workers: Workers;
}
