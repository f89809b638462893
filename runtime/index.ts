export { ActorReference } from "./actor-reference.ts";
export type { CompressionOptions } from "./compression.ts";
export type { ConsumerClass } from "./consumer-class.ts";
export type { RuntimeCounters, RuntimeDropReason } from "./counters.ts";
export {
  AcceptError,
  AskFailedError,
  AskTimeoutError,
  CloseError,
  ConnectionLostError,
  HandlerTimeoutError,
  MissingCapabilityError,
  NoSuchActorError,
  RejectedError,
  RouteError,
  RuntimeClosedError,
  UnknownLayerError,
} from "./errors.ts";
export { groupName } from "./group-name.ts";
export { type Guard, type OriginGuardOptions, originGuard, type Verdict } from "./guards.ts";
export type { Refusal } from "./http-answer.ts";
export type { Limits } from "./limits.ts";
export type { RouteOptions, SpawnScope } from "./route-types.ts";
export type { ParamCheck } from "./router.ts";
export {
  type AttachOptions,
  type CloseOptions,
  createRuntime,
  type Layers,
  type Runtime,
  type RuntimeOptions,
} from "./runtime.ts";
export type { Job, Worker, WorkerOptions, WorkHandler } from "./workers.ts";
