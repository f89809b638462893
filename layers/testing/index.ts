export { describeChannelLayer, describeJobQueues } from "./describe-channel-layer.ts";
export type {
  LayerImplementation,
  NodeOptions,
  OptionalCapability,
  TestRunner,
} from "./layer-implementation.ts";
export { Recorder } from "./recorder.ts";
export { unreliable, unreliableLayer } from "./unreliable-backend.ts";
export type { Faults } from "./unreliable-link.ts";
export { type BegunJob, Worker } from "./worker.ts";
