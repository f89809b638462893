export { describeChannelLayer, describeWorkQueues } from "./describe-channel-layer.ts";
export { Recorder } from "./recorder.ts";
export { type Actor, type LayerImplementation, type NodeOptions, Stage } from "./stage.ts";
export { type BegunJob, Worker } from "./worker.ts";
