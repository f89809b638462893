/** The messages of a layer without declared types: any type, with any payload. */
export interface AnyMessages {
  readonly [type: string]: { readonly [key: string]: unknown };
}

/** One of the messages that `M` declares, as it is sent: the payload plus its `type`. */
export type MessageOf<M> = {
  [K in keyof M & string]: { readonly type: K } & Readonly<M[K]>;
}[keyof M & string];

/** A message as it arrives. It is deep-frozen, because all members on a node share one object. */
export interface Message {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** A position in a group's history: message number `offset`, from 1, in the history of that `epoch`. */
export interface Position {
  readonly offset: number;
  /** Changes when a history is lost or deleted. Offsets of different epochs cannot be compared. */
  readonly epoch: string;
}

/** How a message arrived: its group, and its position if the layer keeps a history. */
export interface Delivery {
  /** Absent for a direct send. */
  readonly group?: string;
  readonly offset?: number;
  readonly epoch?: string;
}

/** A message and its delivery. All inboxes share one object. */
export interface Mail {
  readonly message: Message;
  readonly delivery: Delivery;
}

/** Messages may have been lost, for example after a reconnect. A consumer should fetch its state again. */
export interface Gap {
  /** Absent if direct sends to this channel may have been lost. */
  readonly group?: string;
  /** The offset of the first missing message, if known. */
  readonly from?: number;
  /** The offset of the last missing message, if known. */
  readonly to?: number;
}

/**
 * Receives the messages and gaps of one channel. A layer calls it synchronously, often thousands of times in
 * a row: an inbox MUST only store data or start work, and MUST NOT throw.
 */
export interface Inbox {
  deliver(mail: Mail): void;
  gap(gap: Gap): void;
  /** For inboxes that prepare once for several messages. MUST call `deliverSome`, which delivers them. */
  batch?(deliverSome: () => void): void;
}
