/** The end of a connection: the output of its machine. */
export interface Exit {
  /** The WebSocket close code; 1006 if the upgrade failed or the connection broke without a close frame. */
  readonly code: number;
  readonly reason: string;
  /**
   * The party that ended the connection. A broken socket counts as `client`; a failure, a deadline and a
   * shutdown count as `runtime`.
   */
  readonly by: "client" | "consumer" | "runtime";
  /** The HTTP status of a refused upgrade; absent if the connection was accepted. */
  readonly status?: number;
}

// The close codes that this package uses. RFC 6455, section 7.4.1, and its IANA registry define 1000 to 1015.
// The range 3000 to 3999 is for libraries. Centrifugo, too, closes slow clients with 3008.
export const CloseCode = {
  normal: 1000,
  noStatus: 1005,
  abnormal: 1006,
  unsupportedFrame: 1003,
  failure: 1011,
  restart: 1012,
  overflow: 1013,
  slow: 3008,
} as const;
