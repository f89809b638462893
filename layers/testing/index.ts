export { describeChannelLayer, describeWorkQueues } from "./describe-channel-layer.ts";
export { Recorder } from "./recorder.ts";
export { type Actor, type LayerImplementation, type NodeOptions, Stage } from "./stage.ts";
export { unreliable, unreliableLayer } from "./unreliable-backend.ts";
export type { Faults } from "./unreliable-link.ts";
export { type BegunJob, Worker } from "./worker.ts";
