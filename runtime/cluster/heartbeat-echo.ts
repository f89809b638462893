/** Maximum time between two echoes without an interruption, in heartbeat intervals. */
const maxIntervals = 1.5;

/**
 * The echoes of this node's own heartbeats, which this node receives like every other node. They prove that
 * the control layer carries messages. Without them, this node cannot tell a lost node from its own outage.
 */
export class HeartbeatEcho {
  readonly #maxMs: number;
  #receivedAt: number | undefined;
  #since = Number.NEGATIVE_INFINITY;

  constructor(nodeHeartbeatMs: number) {
    this.#maxMs = nodeHeartbeatMs * maxIntervals;
  }

  /** The time of the first echo after the last interruption; minus infinity if there was no interruption. */
  get since(): number {
    return this.#since;
  }

  received(now: number): void {
    if (this.#receivedAt !== undefined && now - this.#receivedAt > this.#maxMs) this.#since = now;
    this.#receivedAt = now;
  }

  /** Notes that messages may have been lost, even if the next echo is in time. */
  interrupted(): void {
    if (this.#receivedAt !== undefined) this.#receivedAt = Number.NEGATIVE_INFINITY;
  }
}
