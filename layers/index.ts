export type { ByPattern } from "./capacity.ts";
export { ChannelLayer } from "./channel-layer.ts";
export type { ChannelLayerOptions, GroupSendOptions, JobAddress } from "./channel-layer-options.ts";
export type {
  AnyMessages,
  Backend,
  BackendListener,
  Capabilities,
  Capability,
  Clock,
  Consumption,
  Delivery,
  ErrorListener,
  Gap,
  Health,
  HistoryBackend,
  HistoryQuery,
  Inbox,
  JobDelivery,
  JobOutcome,
  Mail,
  Message,
  MessageOf,
  MessageTypes,
  Position,
  QueueBackend,
  QueueReceiver,
  QueueSettings,
  StoredHistory,
} from "./contract.ts";
export type { DropReason, LayerCounters } from "./counters.ts";
export {
  GreenroomError,
  InvalidMessageError,
  InvalidNameError,
  InvalidOptionError,
  LayerClosedError,
  LayerUnavailableError,
  QueueFullError,
  UnknownChannelError,
  UnsupportedError,
} from "./errors.ts";
export type { History, HistoryOptions } from "./history.ts";
export type { HistoryLimitOptions } from "./history-limits.ts";
export { MemoryBus, type MemoryBusOptions } from "./memory-bus.ts";
export { MemoryLayer, type MemoryLayerOptions } from "./memory-layer.ts";
export type { EncryptionOptions } from "./sealing.ts";
export type { ConsumeOptions, JobHandler } from "./work-queues.ts";
