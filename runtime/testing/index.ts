export { type CommunicateOptions, communicate, communicateWith } from "./communicate.ts";
export { Communicator } from "./communicator.ts";
export { ExpectationError } from "./expectation-error.ts";
export { type CaptureOptions, captureGroup, GroupCapture } from "./group-capture.ts";
export type { Answer, ClientClosed } from "./pending-answer.ts";
export type { Resumption } from "./resumption.ts";
export { settle, type TestedRuntime } from "./settle.ts";
export type { RequestOptions } from "./virtual-request.ts";
export type { ReceiveNothingOptions, WaitOptions } from "./wait-for.ts";
