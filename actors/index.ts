export { Addressable } from "./addressable.ts";
export { CloseCode, type Exit } from "./close-codes.ts";
export { type ConnectionEvent, connectionMachine } from "./connection-machine.ts";
export { Consumer } from "./consumer.ts";
export type { AcceptOptions, ConsumerContext, Frame } from "./consumer-context.ts";
export type { Directive, Supervision } from "./consumer-options.ts";
export type { ConsumerTypes } from "./contract.ts";
export { type DeepReadonly, type Handlers, handlers } from "./handlers.ts";
export type { JobMessages } from "./job-messages.ts";
export { JsonWebSocketConsumer } from "./json-websocket-consumer.ts";
export {
  type MachineConsumerClass,
  type MachineConsumerOptions,
  machineConsumer,
} from "./machine-consumer.ts";
export type {
  ConnectionEvents,
  Effect,
  FrameEvents,
  MessageEvents,
  UnexpectedFrame,
} from "./machine-events.ts";
export type { MailboxOptions, Overflow, OverflowPolicy } from "./mailbox-options.ts";
export type {
  AskGroupOptions,
  AskOptions,
  GroupAnswers,
  Members,
  Messaging,
  PresenceDiff,
  SubmitOptions,
  Tally,
  TrackOptions,
} from "./messaging.ts";
export type { LagPolicy, OutboxOptions } from "./outbox-options.ts";
export type { Scope } from "./scope.ts";
export { WebSocketConsumer } from "./websocket-consumer.ts";
