/**
 * Contracts, which the server and its clients share. Browsers can import this module.
 *
 * @module greenroom/contract
 */
export {
  type AskingFrame,
  type ClientFrame,
  type Contract,
  type ContractOptions,
  contract,
  type NamesIn,
} from "./contract.ts";
export type {
  ContractParams,
  ContractParamsInput,
  ReceivedFrames,
  Replies,
  SendableFrames,
  ServerFrames,
} from "./contract-types.ts";
export {
  type ErrorCode,
  type ErrorFrame,
  errorCodes,
  type FrameId,
  type FrameIssue,
  FrameType,
  type ReplyFrame,
} from "./protocol.ts";
export type { InputOf, OutputOf, Schema } from "./standard-schema.ts";
