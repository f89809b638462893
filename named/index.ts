export {
  MessagesLostError,
  NamedKindError,
  NotStoredError,
  OutcomeUnknownError,
  RefusedError,
  RolledBackError,
  StepFailedError,
} from "./errors.ts";
export type { NamedCallerOptions, NamedMessages, NamedOptions } from "./kind-options.ts";
export { ChildFailedError } from "./machine/child-failed-error.ts";
