/** The text of each message, sent with the time. */
export const text = "x".repeat(100);

/** A node of a transport between processes. Each row is one implementation. */
export interface Carrier {
  /**
   * Adds `members` members to each of `groups`. The first member of a group calls `arrived` with the time of
   * each message; the others only read the time.
   */
  join(groups: readonly string[], members: number, arrived: (sentAt: number) => void): Promise<void>;
  /** Sends {@link text} and `sentAt` to a group. Settles when the server has replied. */
  publish(group: string, sentAt: number): Promise<unknown>;
  /** Adds a member to a new group; resolves when it has joined. Absent if the carrier cannot tell. */
  joinOne?(group: string): Promise<unknown>;
}

/** The listeners of the members of one group: the first reports, the others do not. */
export function membersOf(count: number, arrived: (sentAt: number) => void): ((sentAt: number) => void)[] {
  return Array.from({ length: count }, (_, index) => (index === 0 ? arrived : () => {}));
}
