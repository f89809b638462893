export { ChannelLayer, type ChannelLayerOptions, type GroupSendOptions } from "./channel-layer.ts";
export type {
  AnyMessages,
  Backend,
  BackendListener,
  Capabilities,
  Capability,
  Clock,
  Delivery,
  ErrorListener,
  Gap,
  Health,
  Inbox,
  Mail,
  Message,
  MessageOf,
  MessageTypes,
} from "./contract.ts";
export type { DropReason, LayerCounters } from "./counters.ts";
export {
  GreenroomError,
  InvalidMessageError,
  InvalidNameError,
  InvalidOptionError,
  LayerClosedError,
  LayerUnavailableError,
  UnknownChannelError,
} from "./errors.ts";
export { MemoryBus } from "./memory-bus.ts";
export { MemoryLayer, type MemoryLayerOptions } from "./memory-layer.ts";
export type { EncryptionOptions } from "./sealing.ts";
