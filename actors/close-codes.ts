export { CloseCode, refusalCode } from "../protocol/close-codes.ts";

/** How a connection ended. The connection's machine has this object as its output. */
export interface Exit {
  /** The WebSocket close code; 1006 if the upgrade failed or the connection broke without a close frame. */
  readonly code: number;
  readonly reason: string;
  /**
   * The party that ended the connection. If the socket broke, this is `client`. After a failure, a missed
   * deadline or a shutdown, this is `runtime`.
   */
  readonly by: "client" | "consumer" | "runtime";
  /** The HTTP status of the refusal, if the upgrade was refused; otherwise absent. */
  readonly status?: number;
}
