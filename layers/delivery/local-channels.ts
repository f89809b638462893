import type { Inbox } from "../message.ts";

/** A channel of this node. */
export interface LocalChannel {
  readonly channel: string;
  readonly inbox: Inbox;
}

/**
 * The channels of one node, for the runtime that the layer belongs to. Nothing here waits: what is local works also while
 * the layer's server cannot be reached.
 */
export interface LocalChannels {
  /** Makes a channel. What other nodes send to it arrives once the layer has made any channel by `newChannel`. */
  add(inbox: Inbox): LocalChannel;
  member(channel: string): LocalChannel | undefined;
  /** The channels of this node that are in a group. */
  membersOf(group: string): Iterable<LocalChannel>;
  /** The groups that a channel of this node is in. */
  groupsOf(channel: string): string[];
  /** Forgets a channel, at once. Resolves once its groups are unsubscribed; undefined if none has to be. */
  remove(channel: string): Promise<void> | undefined;
}
