/** The end of a connection: the output of its machine. */
export interface Exit {
  /** The WebSocket close code; 1006 if the upgrade failed or the connection broke without a close frame. */
  readonly code: number;
  readonly reason: string;
  /** The party that ended it: the other side, the consumer, or the runtime (failure, deadline, shutdown). */
  readonly by: "client" | "consumer" | "runtime";
  /** The HTTP status that refused the upgrade; absent once the connection was accepted. */
  readonly status?: number;
}

// The codes this package closes with. 1000–1015: RFC 6455, section 7.4.1, and the IANA registry it founded;
// 3000–3999 are for libraries; 3008 means "slow" in Centrifugo too.
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
