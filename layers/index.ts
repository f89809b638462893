export {
  ChannelLayer,
  type ChannelLayerOptions,
  type GroupSendOptions,
  type History,
  type HistoryOptions,
} from "./channel-layer.ts";
export type {
  AnyMessages,
  Backend,
  BackendListener,
  Capabilities,
  Clock,
  Delivery,
  ErrorListener,
  Gap,
  Health,
  HistoryBackend,
  HistoryQuery,
  Inbox,
  Mail,
  Message,
  MessageOf,
  MessageTypes,
  Position,
  StoredHistory,
} from "./contract.ts";
export type { DropReason, LayerCounters } from "./counters.ts";
export {
  GreenroomError,
  InvalidMessageError,
  InvalidNameError,
  LayerClosedError,
  LayerUnavailableError,
  UnknownChannelError,
  UnsupportedError,
} from "./errors.ts";
export { MemoryBus, type MemoryBusOptions } from "./memory-bus.ts";
export { MemoryLayer, type MemoryLayerOptions } from "./memory-layer.ts";
export { checkChannel, checkGroup } from "./names.ts";
export { createReporter, type ReporterOptions } from "./report.ts";
