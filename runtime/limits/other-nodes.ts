const mebibyte = 1024 * 1024;

/**
 * Limits of the memory, time and work that other nodes can cause. Any program with access to the control layer can
 * pretend to be nodes, so these limits hold for all messages from other nodes. Bytes are estimates of the memory
 * ({@link memoryOf}). docs/reference/limits.md lists the effects past each limit.
 */
export const otherNodes = {
  /** Other nodes that a node knows. Each node sends heartbeats to all others, so real clusters are smaller. */
  maxNodes: 1_000,
  /**
   * The longest `nodeHeartbeatMs`, as option and as claim of another node. A node that vanishes is known for three
   * to four intervals, so a false node is forgotten within four minutes.
   */
  maxHeartbeatMs: 60_000,
  /** Names of nodes whose first heartbeat is remembered, so that a real node outlasts a flood of false ones. */
  maxHeardNames: 20_000,
  /** The time between two heartbeats after which a node gives way later than nodes that were heard only once. */
  confirmedAfterMs: 1_000,
  /** The layers of another node, and the characters in their aliases and ids. */
  maxLayers: 100,
  maxLayerText: 8_192,
  /** Heartbeats in reply to other nodes. A reply that is left out is replaced by the next regular heartbeat. */
  replies: { burst: 1_000, perSecond: 100 },
  /** The same for one other node, and the requests for its presence. */
  repliesToOne: { burst: 10, perSecond: 1 },
  /**
   * Parts of this node's presence (128 KiB each) in reply to other nodes: at most 4 MiB per second in the long run.
   * A node repeats its request after the next heartbeat.
   */
  stateParts: { burst: 1_000, perSecond: 32 },
  /** Bytes of the presence of another node, such as 100,000 entries with short metas. */
  maxPresenceBytes: 128 * mebibyte,
  /** Bytes of changes of another node's presence that wait for an earlier change. */
  maxWaitingBytes: 16 * mebibyte,
  /** Bytes of the presences of all other nodes, with their waiting changes and incomplete copies. */
  maxPresenceBytesInAll: 256 * mebibyte,
  /** Bytes of the presence of each node, and of an incomplete copy, that do not count for the limit in all. */
  freePresenceBytes: 128 * 1024,
  /** Bytes of the absent members whose grace is running, of all nodes. */
  maxAbsentBytes: 64 * mebibyte,
  /** Parts of a copy of another node's presence. A node sends parts of 128 KiB. */
  maxStateParts: 10_000,
  /** The time in which all parts of a copy have to arrive. */
  maxCopyMs: 60_000,
  /** The time between two requests for the entries of a node that found no room. */
  retryPresenceMs: 60_000,
  /** Presence entries in one message. A node sends at most 128 KiB of them, and 30 bytes or more for each. */
  maxEntriesInMessage: 10_000,
  /** Asks of groups from other nodes that are not answered yet, in all and for one node. */
  maxGroupAsks: 1_000,
  maxGroupAsksOfOne: 100,
  /** The longest time that an ask of a group from another node waits for the members on this node. */
  maxGroupAskMs: 300_000,
  /** Bytes of the replies of all nodes to one request. */
  maxGatheredBytes: 64 * mebibyte,
} as const;
