export type * from "./backend.ts";
export type { AnyMessage, Carried, NotInMessage, Sendable } from "./carried.ts";
export { ChannelLayer } from "./channel-layer.ts";
export type { Clock } from "./clock.ts";
export type { DropReason, LayerCounters } from "./counters.ts";
export type { ErrorListener } from "./error-reporter.ts";
export {
  GreenroomError,
  InvalidMessageError,
  InvalidNameError,
  InvalidOptionError,
  JobExpiredError,
  JobTimeoutError,
  LayerClosedError,
  LayerSetupError,
  LayerUnavailableError,
  QueueFullError,
  QueueLostError,
  UnknownChannelError,
  UnreadableStateError,
  UnsupportedError,
} from "./errors.ts";
export { escapeControls } from "./escape-controls.ts";
export type { GroupHistory, HistoryEntry, HistoryOptions } from "./history.ts";
export type { HistoryLimitOptions } from "./history-limits.ts";
export type { ConsumeOptions, JobHandler } from "./jobs/consume-options.ts";
export type { ByPattern } from "./limits-by-name.ts";
export { MemoryBus, type MemoryBusOptions } from "./memory/memory-bus.ts";
export { MemoryLayer, type MemoryLayerOptions } from "./memory/memory-layer.ts";
export type * from "./message.ts";
export type * from "./options.ts";
export type { JobConsumption, RunningJob } from "./running-jobs.ts";
export { safeGroupName } from "./safe-group-name.ts";
export type { EncryptionOptions } from "./wire/encryption.ts";
