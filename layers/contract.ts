/** Message types and their payloads, as a consumer or a layer declares them: `{ room_message: { message: string } }`. */
export type MessageTypes = object;

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

/** A group may have lost messages: after a reconnect, say. Whoever keeps state should fetch it anew. */
export interface Gap {
  readonly group: string;
}

/**
 * Where a layer puts what arrives for one channel. Both methods are called synchronously, often thousands of times
 * in a row: an inbox MUST only store or start work, and MUST NOT throw.
 */
export interface Inbox {
  deliver(mail: Mail): void;
  gap(gap: Gap): void;
}

/** What a backend tells its layer. Each call is about one topic: the wire's name of a group or of a node. */
export interface BackendListener {
  payload(topic: string, payload: Uint8Array): void;
  /** Payloads may have been lost on `topic` between two calls of `payload`. */
  gap(topic: string): void;
  /** A failure that no caller awaits, such as a lost connection. */
  error(error: Error): void;
}

/** What a layer can do beyond the minimum. A consumer may declare what it needs. */
export interface Capabilities {
  /**
   * `at-most-once`: what is sent while a link is down is lost, and members hear of a gap. `once-or-gap`: it is fetched
   * afterwards, and members hear of a gap where that is not possible.
   */
  readonly delivery: "at-most-once" | "once-or-gap";
  /** Whether nodes in other processes are reached. */
  readonly crossProcess: boolean;
  /** Whether a group's last messages can be read again. */
  readonly history: boolean;
  /** Whether named channels are queues whose messages are shared out among workers. */
  readonly workers: boolean;
}

/** What a consumer can demand of its layer: one of the {@link Capabilities} that a layer has or lacks. */
export type Capability = {
  [Name in keyof Capabilities]: Capabilities[Name] extends boolean ? Name : never;
}[keyof Capabilities];

/** Whether a layer can carry messages right now, and if not, why. */
export interface Health {
  readonly ok: boolean;
  readonly reason?: string;
}

/**
 * What a layer runs on: it moves payloads between nodes by topic and knows nothing of messages, groups or members.
 *
 * A backend MUST keep the order of one node's publishes on one topic, MUST hand a payload also to the node that
 * published it, MUST NOT call the listener synchronously from inside `publish`, and MUST be quiet after `close`.
 */
export interface Backend {
  readonly capabilities: Capabilities;
  readonly health: Health;
  /**
   * Connects. Called before anything but `close`, and again only after it has rejected.
   *
   * @throws {LayerUnavailableError} naming the address, without passwords.
   */
  open(listener: BackendListener): Promise<void>;
  /**
   * Resolves once the payload is on its way; rejects when it will not arrive anywhere. The payload is the backend's
   * from then on: nobody changes it.
   */
  publish(topic: string, payload: Uint8Array): Promise<void>;
  /**
   * Resolves once everything published to `topic` from now on reaches this node; when it rejects, no subscription is
   * left behind. Never called for a topic that is subscribed or whose last change is still under way.
   */
  subscribe(topic: string): Promise<void>;
  /**
   * Called for subscribed topics only. Resolves once nothing published to `topic` reaches this node any more: at once
   * in an outage, since it must not reject.
   */
  unsubscribe(topic: string): Promise<void>;
  /** Frees connections and timers; what is pending rejects. Called once, at any time, also while `open` is under way. */
  close(): Promise<void>;
}

/** The timers of whatever waits, so that a test can hold the clock. XState's `SimulatedClock` fits. */
export interface Clock {
  setTimeout(fn: (...args: unknown[]) => void, ms: number): unknown;
  clearTimeout(id: unknown): void;
}

/** Hears of failures that no caller awaits. `stage` says where it happened: `"layer"`, `"receive"`, `"disconnect"`… */
export type ErrorListener = (
  error: unknown,
  where: { readonly stage: string; readonly [fact: string]: unknown },
) => void;
