/** The text that each message carries, beside the time when it was sent. */
export const text = "x".repeat(100);

/** One node of something that carries messages between processes. Each row of the table is one kind of it. */
export interface Carrier {
  /**
   * Puts as many members into each of `groups`. At each member each message arrives; the first member of a group says
   * `arrived`, with the time that is in the message.
   */
  join(groups: readonly string[], members: number, arrived: (sentAt: number) => void): Promise<void>;
  /** Sends {@link text} and `sentAt` to a group. Settles when the server has answered. */
  publish(group: string, sentAt: number): Promise<unknown>;
  /** Puts one new member into a group that has none here; resolves once it is in. Absent where nothing is said of it. */
  joinOne?(group: string): Promise<unknown>;
}

export type OpenCarrier = (url: string) => Carrier | Promise<Carrier>;

/** What stands for a member where nothing but its being there matters. */
export function ignore(): void {}

/** The members of one group: one that tells, and others that do not. */
export function membersOf(count: number, arrived: (sentAt: number) => void): ((sentAt: number) => void)[] {
  return Array.from({ length: count }, (_, index) => (index === 0 ? arrived : ignore));
}
