export type { AskOptions } from "./ask-options.ts";
export { CloseCode, type Exit } from "./close-codes.ts";
export { type ConnectionEvent, connectionMachine } from "./connection-machine.ts";
export { Consumer } from "./consumer.ts";
export type {
  AcceptOptions,
  ConsumerContext,
  Forwarded,
  Frame,
  RejectOptions,
  ResponseHeaders,
  Scope,
  ScopeOf,
  Timers,
} from "./consumer-context.ts";
export type {
  ConnectionLimits,
  Directive,
  LagPolicy,
  MailboxOptions,
  OutboxOptions,
  Overflow,
  OverflowPolicy,
  SessionOptions,
  Supervision,
} from "./consumer-options.ts";
export type {
  ConsumerTypes,
  ConsumerTypesOf,
  ContractOf,
  MessagesOf,
  NoConsumerTypes,
  ParamsOf,
  ServerFramesOf,
  UserOf,
} from "./consumer-types.ts";
export {
  ContractConsumer,
  type ContractConsumerBase,
  type ContractConsumerTypes,
  contractConsumer,
  type TypesWithContract,
} from "./contract/contract-consumer.ts";
export { type FrameHandlers, frames } from "./contract/frames.ts";
export { OutgoingFrameError } from "./contract/outgoing-frame-error.ts";
export { type Relay, relay, relayAs } from "./contract/relay.ts";
export type { BinaryCodec, FrameCodec, TextCodec } from "./frame-codec.ts";
export { FrameError } from "./frame-error.ts";
export { type DeepReadonly, type Handlers, handlers } from "./handlers.ts";
export type { AsJson, NotInJson } from "./json-type.ts";
export { JsonWebSocketConsumer } from "./json-websocket-consumer.ts";
export { machineConsumer } from "./machine/machine-consumer.ts";
export type { ContractEffect, ContractEvents, MachineFor } from "./machine/machine-contract.ts";
export type {
  ConnectionEvents,
  Effect,
  FrameEvents,
  MessageEvents,
  RefuseEffect,
  ReplyEffect,
} from "./machine/machine-events.ts";
export type {
  Acceptance,
  MachineConsumerClass,
  MachineConsumerOptions,
  MachineConsumerTypes,
  MachineScope,
  RequiredInput,
  WithoutInput,
} from "./machine/machine-options.ts";
export { type MessageSchemas, messages } from "./message-schemas.ts";
export { MessageShapeError } from "./message-shape-error.ts";
export type {
  AskGroupOptions,
  GroupAnswers,
  JobMessages,
  Members,
  Messaging,
  PresenceDiff,
  PresenceDiffEntry,
  SubmitOptions,
  Tally,
  TrackOptions,
} from "./messaging.ts";
export type {
  ExportedActor,
  NamedActor,
  NamedActors,
  NamedDeadLetter,
  NamedDelivery,
  NamedEffect,
  NamedMessageEvents,
  NamedRefuseEffect,
  NamedReplyEffect,
  TellEffect,
} from "./named-actor.ts";
export { RefusedFrameError } from "./refused-frame-error.ts";
export type {
  ActorSnapshot,
  SavedDelay,
  SavedMachine,
  SavedMemberships,
  SavedPresence,
} from "./snapshot/actor-snapshot.ts";
export type { Json, JsonObject } from "./snapshot/json-copy.ts";
export { SnapshotError } from "./snapshot/snapshot-error.ts";
export { WebSocketConsumer } from "./websocket-consumer.ts";
