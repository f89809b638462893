/** One partition of a kind of named actors. All data of a partition is on one server, in one slot. */
export interface Partition {
  readonly kind: string;
  /** From 0 up to the number of partitions of the kind. */
  readonly index: number;
}

/** A node that runs actors of a kind. */
export interface Member {
  readonly node: string;
  /** The version of the machine that the node runs. */
  readonly version: number;
}

/** The nodes of a kind, and the partitions that need a version. */
export interface Membership {
  readonly members: readonly Member[];
  /** The highest version that has owned a partition, by the index of the partition. Version 1 is left out. */
  readonly versions: ReadonlyMap<number, number>;
}

/** The outcome of a claim. */
export type Claim =
  /** The node owns the partition. */
  | { readonly outcome: "mine" }
  /** Another node owns the partition. */
  | { readonly outcome: "theirs"; readonly node: string }
  /** A newer version has owned the partition. */
  | { readonly outcome: "newer"; readonly version: number };

/** A message for the mailbox of an actor. */
export interface StateMessage {
  readonly key: string;
  /** Increases from message to message of one sender to one partition. */
  readonly number: number;
  readonly payload: Uint8Array;
  /** Whether to refuse the message if the actor is parked. */
  readonly isAsk: boolean;
}

/** Messages of one sender to one partition, in order. */
export interface Shipment {
  /** Identifies the sender, for example by the id of its node. */
  readonly sender: string;
  readonly messages: readonly StateMessage[];
  /** The maximum number of messages in one mailbox. */
  readonly capacity: number;
  /** The maximum number of bytes in one mailbox. */
  readonly bytes: number;
  /** Whether to take no message after one whose mailbox is full. The number of that message stays unused. */
  readonly stopAtFull: boolean;
  /** The number of replicas that must have the messages before the call resolves. @default 0 */
  readonly replicas?: number;
}

export type ShipmentOutcome = "stored" | "full" | "parked";

export interface ShipmentReply {
  /**
   * The outcomes of the messages, in order. With `stopAtFull`, the list ends with the first `full`. A message whose
   * number the partition has taken before has the outcome that it had then. Outcomes other than `stored` are
   * remembered only for the last shipment of the sender.
   */
  readonly outcomes: readonly ShipmentOutcome[];
  /**
   * The highest number of the sender before this shipment; 0 if the partition does not know the sender. It is the
   * same for a repeated shipment, so that a lost reply hides no loss.
   */
  readonly known: number;
  /** Whether a node listens to the partition. If not, its owner is gone. */
  readonly isHeard: boolean;
}

/** A change of one actor. */
export interface Commit {
  readonly key: string;
  /** The version that the actor had. Undefined if it did not exist. */
  readonly from: string | undefined;
  /** The new snapshot and its version. Absent if the snapshot stays, or if the actor still does not exist. */
  readonly state?: { readonly version: string; readonly data: Uint8Array };
  /** The number of messages to remove from the front of the mailbox. */
  readonly taken: number;
  /**
   * The id of the last one of these messages. The commit is a conflict if the mailbox has another message in its place,
   * or none, because the store has lost messages or a commit.
   */
  readonly lastTaken?: string;
  /** The time of the actor's next deadline, in milliseconds of the store's clock. Absent if it has none. */
  readonly deadline?: number;
  /** The payload for the watchers of the actor. */
  readonly view?: Uint8Array;
  /** Payloads to add to the outbox of the partition, in order. */
  readonly outbox: readonly Uint8Array[];
  /** Payloads to add to the dead letters of the partition. */
  readonly dead: readonly Uint8Array[];
  /** Parks the actor for this reason. */
  readonly parked?: Uint8Array;
  /** Removes the actor: its snapshot, deadline, and parking. The messages after the first `taken` stay. */
  readonly remove?: true;
}

/** A request for the messages of one actor. */
export interface Take {
  readonly key: string;
  /**
   * Whether to read the snapshot, too, and to count the load. A turn loads only the first actor with loads that are
   * not forgotten, because one of them may have ended the process. The others have `loads: 0` and no messages.
   */
  readonly load: boolean;
}

/** A message in a mailbox. */
export interface StoredMessage {
  /** The time at which it was stored, in milliseconds of the store's clock. */
  readonly at: number;
  /** The time and the sender's number. Two messages of one sender never have the same id. */
  readonly id: string;
  readonly payload: Uint8Array;
}

/** The actor of a {@link Take}. */
export interface Taken {
  readonly key: string;
  /** Undefined if the actor does not exist, or if its snapshot was not requested. */
  readonly state: { readonly version: string; readonly data: Uint8Array } | undefined;
  /** The first messages of the mailbox: at most 256, and at most 1 MiB, but at least one if there is one. */
  readonly messages: readonly StoredMessage[];
  /** Whether the mailbox has more messages. */
  readonly hasMore: boolean;
  /** The number of loads, including this one, since the last commit or clean end of the actor. 0 if not loaded. */
  readonly loads: number;
  readonly parked: Uint8Array | undefined;
}

/** One request of the owner of a partition. The parts are executed in the order of the properties. */
export interface Turn {
  readonly token: string;
  /**
   * Increases from turn to turn of one token. If a turn is repeated with the same number, because its reply was lost,
   * the commits, `asleep` and `relayed` take effect only once, and the reply has the same conflicts.
   */
  readonly number: number;
  readonly commits: readonly Commit[];
  /** The keys of actors that this node has put to sleep, so that their next load is not the sign of a crash. */
  readonly asleep: readonly string[];
  /** Messages of the owner's node: see {@link StateBackend.ship}. The owner gets no `wake` for them. */
  readonly shipment?: Shipment;
  readonly takes: readonly Take[];
  /** Removes the entries of the outbox up to this number. */
  readonly relayed: number;
  /** Whether to return the keys with messages. */
  readonly listWaiting: boolean;
  /** The maximum number of due keys to return. */
  readonly due: number;
  /** Returns entries of the outbox after this number: at most 256, and at most 1 MiB, but at least one. */
  readonly outboxAfter?: number;
  /** The number of replicas that must have the commits before the call resolves. @default 0 */
  readonly replicas?: number;
}

export interface TurnReply {
  /** Whether the token was still that of the owner. If not, nothing was executed. */
  readonly isOwner: boolean;
  /** The time of the store's clock, in milliseconds. */
  readonly now: number;
  /** For each commit that did not apply, its index, and the version that the actor has. The others applied. */
  readonly conflicts: readonly { readonly index: number; readonly version: string | undefined }[];
  /** The reply to the shipment. Undefined if the turn has none, or was not executed. */
  readonly shipped: ShipmentReply | undefined;
  readonly taken: readonly Taken[];
  readonly waiting: readonly string[];
  /** The keys whose deadline has passed, the earliest first. */
  readonly due: readonly string[];
  /** The earliest deadline of the partition that is not in `due`. */
  readonly nextDeadline: number | undefined;
  readonly outbox: readonly { readonly number: number; readonly payload: Uint8Array }[];
  /** The number of the last entry of the outbox that was ever added. */
  readonly outboxEnd: number;
}

/** The stored facts of one actor. */
export interface StoredActor {
  readonly state: { readonly version: string; readonly data: Uint8Array } | undefined;
  readonly mailbox: number;
  readonly parked: Uint8Array | undefined;
  readonly deadline: number | undefined;
  readonly now: number;
}

/** The stored facts of one partition. */
export interface StoredPartition {
  /** The node that owns the partition, if any. */
  readonly owner: string | undefined;
  readonly version: number;
  readonly actors: number;
  /** The number of actors with messages. */
  readonly waiting: number;
  /** The number of parked actors. */
  readonly parkedActors: number;
  /** At most 100 of the parked actors. */
  readonly parked: readonly { readonly key: string; readonly reason: Uint8Array }[];
  readonly deadLetters: number;
  readonly outbox: number;
  readonly nextDeadline: number | undefined;
  readonly now: number;
}

/** The topics of named actors. A topic of a partition is on the server of the partition. */
export type StateTopic =
  /**
   * The payload names the keys with new messages, or an actor that was replaced: see {@link keysOf} and
   * {@link isReplaced}. It is empty if the owner has changed.
   */
  | { readonly partition: Partition; readonly topic: "wake" }
  | { readonly partition: Partition; readonly topic: "view"; readonly key: string }
  /** Published when a node joins or leaves. The payload is empty. */
  | { readonly kind: string; readonly topic: "members" };

export interface StateSubscription {
  payload(payload: Uint8Array): void;
  /** Payloads may have been lost. The topic is subscribed again. */
  gap(): void;
}

/** The payload of a `wake` for these keys. */
export const wakePayload = (keys: readonly string[]): string => JSON.stringify(keys);

/** The payload of a `wake` for an actor that was replaced or removed. */
export const replacedPayload = (key: string): string => JSON.stringify([key, 0]);

/** Whether the actor of a `wake` was replaced or removed, so that its owner must load it again. */
export const isReplaced = (payload: Uint8Array): boolean => Buffer.from(payload).toString().endsWith(",0]");

/** The keys in the payload of a `wake`. Empty if the payload is empty or malformed. */
export function keysOf(payload: Uint8Array): readonly string[] {
  try {
    const keys: unknown = JSON.parse(Buffer.from(payload).toString());
    return Array.isArray(keys) ? keys.filter((key) => typeof key === "string") : [];
  } catch {
    return [];
  }
}

/**
 * Stores named actors. Each method except `open` and `subscribe` is one atomic step. A call rejects with
 * `LayerUnavailableError` if it may not have been executed, or may have been executed although the reply is lost.
 * All methods can be repeated safely after such an error: claims, memberships, shipments and turns take effect once.
 *
 * The keys of actors are well-formed strings of 1 to 100 characters.
 */
export interface StateBackend {
  /** Connects. Returns warnings about settings that endanger the state. @throws {LayerSetupError} for an eviction of keys. */
  open(): Promise<readonly Error[]>;
  close(): Promise<void>;
  /**
   * Fixes the number of partitions of a kind at its first use. Returns the stored number.
   */
  partitions(kind: string, count: number): Promise<number>;
  /**
   * Renews the membership of a node for `leaseMs`, and returns the members. A member that no longer listens to its
   * topic `members` is removed at once. A time during which no node could renew counts for no lease.
   */
  beat(kind: string, member: Member, leaseMs: number): Promise<Membership>;
  /** Returns the members without joining them. */
  members(kind: string): Promise<Membership>;
  /** Ends a membership, and publishes `members`. */
  leave(kind: string, node: string): Promise<void>;
  /**
   * Makes `node` the owner if the partition is free, if no node listens to it, or if its owner is one of `dead`.
   * `token` is random. Publishes an empty `wake` if the partition was owned, so that its former owner learns of it.
   * Stores `version` as the version of the partition if it is higher.
   */
  claim(
    partition: Partition,
    claim: {
      readonly node: string;
      readonly token: string;
      readonly version: number;
      readonly dead: readonly string[];
    },
  ): Promise<Claim>;
  /** Frees the partition if `token` is that of its owner, and forgets the loads of its actors. */
  release(partition: Partition, token: string): Promise<void>;
  /**
   * Adds messages to mailboxes, and publishes their keys on the topic `wake`. A sender sends one shipment at a time to
   * a partition: if a later one arrived first, the messages of the earlier one would count as taken.
   */
  ship(partition: Partition, shipment: Shipment): Promise<ShipmentReply>;
  /**
   * Executes the commits and requests of an owner, one turn at a time. A reply with `isOwner: false` means that it owns
   * no longer.
   */
  turn(partition: Partition, turn: Turn): Promise<TurnReply>;
  read(partition: Partition, key: string): Promise<StoredActor>;
  /**
   * Replaces or removes an actor, and publishes its key on `wake`. Needs no token of an owner. Clears the mailbox,
   * deadline and parking of the actor. Returns the payloads of the mailbox. If the actor did not exist, but had
   * messages, commits of steps before the call conflict, although they have the same version: none.
   */
  replace(
    partition: Partition,
    key: string,
    state: { readonly version: string; readonly data: Uint8Array; readonly deadline?: number } | undefined,
    view: Uint8Array | undefined,
  ): Promise<readonly Uint8Array[]>;
  /**
   * Ends the parking of an actor, and publishes its key on `wake`. Returns whether the actor was parked. If it exists,
   * it is due at once, because parking has removed its deadline.
   */
  resume(partition: Partition, key: string): Promise<boolean>;
  /** All keys of the partition's actors, in no order. */
  keys(partition: Partition): Promise<readonly string[]>;
  describe(partition: Partition): Promise<StoredPartition>;
  /** The newest dead letters of the partition, the oldest first. @param limit @default 1,000, which is the maximum */
  deadLetters(partition: Partition, limit?: number): Promise<readonly Uint8Array[]>;
  subscribe(topic: StateTopic, subscription: StateSubscription): Promise<void>;
  unsubscribe(topic: StateTopic): Promise<void>;
}
