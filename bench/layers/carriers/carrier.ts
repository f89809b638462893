/** The text of each message, sent with the time. */
export const text = "x".repeat(100);

/** A node that sends messages to other processes and receives messages. Each row of a table measures one. */
export interface Carrier {
  /**
   * Adds `members` members to each of `groups`. The first member of each group calls `arrived` with the time
   * of each message. The other members only read the time.
   */
  join(groups: readonly string[], members: number, arrived: (sentAt: number) => void): Promise<void>;
  /** Sends {@link text} and `sentAt` to a group. Settles when the server has replied. */
  publish(group: string, sentAt: number): Promise<unknown>;
  /**
   * Adds a member to a new group. Resolves when the member has joined. Absent if the carrier does not report
   * when a join is complete.
   */
  joinOne?(group: string): Promise<unknown>;
}

/** The listeners of the members of one group. The first calls `arrived`, the others do nothing. */
export function membersOf(count: number, arrived: (sentAt: number) => void): ((sentAt: number) => void)[] {
  return Array.from({ length: count }, (_, index) => (index === 0 ? arrived : () => {}));
}
