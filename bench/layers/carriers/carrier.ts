/** The text of each message, beside the time when it was sent. */
export const text = "x".repeat(100);

/** One node of something that carries messages between processes. Each row is one implementation. */
export interface Carrier {
  /**
   * Adds `members` members to each of `groups`. The first member of a group calls `arrived` for each message, with the
   * time in it; the others read the time only.
   */
  join(groups: readonly string[], members: number, arrived: (sentAt: number) => void): Promise<void>;
  /** Sends {@link text} and `sentAt` to a group. Settles when the server has answered. */
  publish(group: string, sentAt: number): Promise<unknown>;
  /** Adds a member to a new group; resolves once it has joined. Absent if the carrier does not tell. */
  joinOne?(group: string): Promise<unknown>;
}

/** The listeners of the members of one group: the first reports, the others do not. */
export function membersOf(count: number, arrived: (sentAt: number) => void): ((sentAt: number) => void)[] {
  return Array.from({ length: count }, (_, index) => (index === 0 ? arrived : () => {}));
}
