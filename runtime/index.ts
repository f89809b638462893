export { ActorRef } from "./actor/actor-ref.ts";
export type { Job, JobWorker, JobWorkerOptions, WorkHandler } from "./cluster/job-workers.ts";
export type { ConsumerClass } from "./consumer-settings.ts";
export type { RuntimeCounters, RuntimeDropReason } from "./counters.ts";
export {
  AcceptError,
  AskFailedError,
  AskTimeoutError,
  BlockedEventLoopError,
  CloseError,
  ConnectionLostError,
  DeadlockError,
  HandlerTimeoutError,
  MissingCapabilityError,
  NoControlLayerError,
  NoSuchActorError,
  RejectedError,
  RouteError,
  RuntimeClosedError,
  TooManyTimersError,
  UnknownLayerError,
  UpgradeConflictError,
} from "./errors.ts";
export type { Refusal } from "./http-response.ts";
export type { Limits } from "./limits.ts";
export { createRuntime, type Runtime } from "./runtime.ts";
export type { CloseOptions, Layers, RuntimeOptions } from "./runtime-options.ts";
export type { AttachableServer, AttachOptions } from "./upgrade/attach-options.ts";
export type { CompressionOptions } from "./upgrade/compression.ts";
export {
  type AnyGuard,
  type Guard,
  type OriginGuardOptions,
  originGuard,
  type Verdict,
} from "./upgrade/guards.ts";
export type { ContractRouteOptions, ParamCheck, RouteOptions, SpawnScope } from "./upgrade/route-types.ts";
export { groupName } from "./upgrade/router.ts";
