/** The messages of a layer whose types were not declared: any type, with any payload. */
export interface AnyMessages {
  readonly [type: string]: { readonly [key: string]: unknown };
}

/** One of the messages that `M` declares, as it is sent: the payload plus its `type`. */
export type MessageOf<M> = {
  [K in keyof M & string]: { readonly type: K } & Readonly<M[K]>;
}[keyof M & string];

/** A message as it arrives: deep-frozen, because all members on a node share one object. */
export interface Message {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** A place in a group's history: the `offset`th message since the history of that `epoch` began, from 1. */
export interface Position {
  readonly offset: number;
  /** Another one after a history was lost or deleted: offsets of two epochs have nothing to do with each other. */
  readonly epoch: string;
}

/** How a message came: through which group, and at which place of a group's history where the layer keeps one. */
export interface Delivery {
  /** Absent for a direct send. */
  readonly group?: string;
  readonly offset?: number;
  readonly epoch?: string;
}

/** One message on its way into inboxes. One object is shared by all the inboxes it goes to. */
export interface Mail {
  readonly message: Message;
  readonly delivery: Delivery;
}

/** Messages may have been lost: after a reconnect, say. Whoever keeps state should fetch it anew. */
export interface Gap {
  /** Absent where direct sends to this channel may have been lost. */
  readonly group?: string;
  /** The offset of the first message that is missing, where that is known. */
  readonly from?: number;
  /** The offset of the last message that is missing, where that is known. */
  readonly to?: number;
}

/**
 * Where a layer puts what arrives for one channel. Its methods are called synchronously, often thousands of times
 * in a row: an inbox MUST only store or start work, and MUST NOT throw.
 */
export interface Inbox {
  deliver(mail: Mail): void;
  gap(gap: Gap): void;
  /** For inboxes that can prepare once for several messages. MUST call `deliverSome`, which delivers them. */
  batch?(deliverSome: () => void): void;
}
