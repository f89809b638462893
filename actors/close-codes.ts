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

// The close codes that this package uses. RFC 6455 (section 7.4.1) and the IANA define 1000 to 1015. The
// range 3000 to 3999 is for libraries. The server Centrifugo closes slow clients with 3008, too.
export const CloseCode = {
  normal: 1000,
  noStatus: 1005,
  abnormal: 1006,
  unsupportedFrame: 1003,
  policy: 1008,
  failure: 1011,
  restart: 1012,
  overflow: 1013,
  slow: 3008,
} as const;
