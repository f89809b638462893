export type { NamedCounters } from "../named/context.ts";
export { ActorRef } from "./actor/actor-ref.ts";
export type { Job, JobWorker, JobWorkerOptions, WorkHandler } from "./cluster/job-workers.ts";
export type { ConsumerCounters } from "./consumer-counts.ts";
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
  LimitError,
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
export { type RuntimeEventName, type RuntimeEvents, runtimeEvents } from "./events/runtime-events.ts";
export {
  type AnyGuard,
  type Guard,
  type OriginGuardOptions,
  originGuard,
  type Verdict,
} from "./guards/guards.ts";
export { type Middleware, middlewareGuard } from "./guards/middleware-guard.ts";
export type { RuntimeHealth } from "./health.ts";
export type { Refusal } from "./http-response.ts";
export type { TrustProxy } from "./limits/client-address.ts";
export type { CountedLimit, Limits } from "./limits/limits.ts";
export type { RefusalCause } from "./refusal-cause.ts";
export type { ReplaceRoutesOptions } from "./routes/replace-routes.ts";
export type { ContractRouteOptions, ParamCheck, RouteOptions, SpawnScope } from "./routes/route-types.ts";
export { groupName } from "./routes/router.ts";
export { createRuntime, type Runtime } from "./runtime.ts";
export type { CloseOptions, Layers, RuntimeOptions } from "./runtime-options.ts";
export type { AttachableServer, AttachOptions } from "./server/attach-options.ts";
export type { AdmittedUser, Renew, Renewal } from "./sign-in/grant.ts";
export type { CompressionOptions } from "./upgrade/compression.ts";
