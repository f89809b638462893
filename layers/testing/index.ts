export { describeChannelLayer } from "./describe-channel-layer.ts";
export { Recorder } from "./recorder.ts";
export { type Actor, type LayerImplementation, Stage } from "./stage.ts";
