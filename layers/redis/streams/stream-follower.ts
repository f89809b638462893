import type { Clock } from "../../clock.ts";
import type { Position } from "../../message.ts";
import { backoffMs, pause, retry } from "../../retry.ts";
import { type CursorListener, StreamCursor } from "./stream-cursor.ts";
import type { Head, Snapshot, StreamEntry } from "./stream-format.ts";

/** Reads streams. Both methods reject if the connection breaks or the server refuses the command. */
export interface StreamSource {
  readonly isUp: boolean;
  /** Identifies the server process. After a change, entries may be missing. */
  readonly server: string;
  /** Returns the head of the stream of `topic`. Creates the head if it is missing. */
  head(topic: string): Promise<Head>;
  /** Returns one page of the stream of `topic`, starting at `offset`. */
  read(topic: string, offset: number): Promise<Snapshot>;
}

/** Number of consecutive failed reads, while connected, after which the follower reports a gap. */
const maxAttempts = 6;

/** Keeps one {@link StreamCursor} in step by reading the stream whenever necessary, one read at a time. */
export class StreamFollower {
  readonly #topic: string;
  readonly #source: StreamSource;
  readonly #onError: (error: unknown) => void;
  readonly #cursor: StreamCursor;
  #server: string | undefined;
  #isReading = false;
  readonly #clock: Clock;
  readonly #stopping = new AbortController();

  /** @param onError called with the reason if a gap is reported because the stream cannot be read. */
  constructor(
    topic: string,
    source: StreamSource,
    listener: CursorListener,
    clock: Clock,
    onError: (error: unknown) => void,
  ) {
    this.#topic = topic;
    this.#source = source;
    this.#clock = clock;
    this.#onError = onError;
    this.#cursor = new StreamCursor({
      payload: (payload, position) => {
        if (!this.#isStopped) listener.payload(payload, position);
      },
      gap: (range) => {
        if (!this.#isStopped) listener.gap(range);
      },
    });
  }

  /** Retries while the connection is down. Rejects after a refusal by the server, or after {@link stop}. */
  async start(): Promise<void> {
    const head = await retry(() => this.#source.head(this.#topic), {
      clock: this.#clock,
      signal: this.#stopping.signal,
      onFailure: (error) => {
        if (this.#source.isUp) throw error;
      },
    });
    this.#server = this.#source.server;
    this.#cursor.compare(head);
  }

  /** The position of the newest delivered entry: see {@link StreamCursor.delivered}. */
  get position(): Position | undefined {
    const { epoch, offset } = this.#cursor.delivered ?? {};
    return epoch === undefined || offset === undefined ? undefined : { epoch, offset };
  }

  published(entry: StreamEntry): void {
    this.#cursor.published(entry);
    this.#follow();
  }

  /** Must be called after the topic was subscribed again, because publications may have been missed. */
  resume(): void {
    this.#cursor.suspect();
    this.#follow(true);
  }

  /** Reads the head. If the cursor is not at this head, reads the stream as well. */
  async check(): Promise<void> {
    const { position } = this.#cursor;
    if (this.#isReading || position === undefined) return;
    const head = await this.#source.head(this.#topic);
    // If an entry has arrived meanwhile, it has shown whether earlier entries are missing. Otherwise, the
    // newest entry may still be on its way, so the cursor is compared with the head again after a pause.
    const isElsewhere = () => this.#cursor.position === position && !this.#cursor.isAt(head);
    if (isElsewhere()) await this.#pause(1);
    if (isElsewhere() || this.#source.server !== this.#server) this.resume();
  }

  stop(): void {
    this.#stopping.abort();
  }

  get #isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  #pause(attempt: number): Promise<void> {
    return pause(backoffMs(attempt), this.#clock, this.#stopping.signal);
  }

  #follow(byHead = false): void {
    if (this.#isReading || this.#cursor.isInStep) return;
    this.#isReading = true;
    void this.#read(byHead);
  }

  /** @param byHead whether to read the head first, which is cheap: one command reads many heads. */
  async #read(byHead: boolean): Promise<void> {
    let isComparing = byHead;
    let attempt = 0;
    while (!this.#cursor.isInStep && !this.#isStopped) {
      const { position } = this.#cursor;
      const wasComparing = isComparing;
      let failure: unknown;
      try {
        await this.#ask(isComparing);
        isComparing = false;
      } catch (error) {
        failure = error;
      }
      if (this.#cursor.isInStep || this.#cursor.position !== position) attempt = 0;
      else if (failure !== undefined || !wasComparing) {
        attempt += 1;
        await this.#retry(attempt, failure);
      }
    }
    this.#isReading = false;
  }

  async #ask(isComparing: boolean): Promise<void> {
    const offset = this.#cursor.ask();
    if (isComparing) {
      const head = await this.#source.head(this.#topic);
      this.#checkServer();
      this.#cursor.compare(head);
    } else {
      const snapshot = await this.#source.read(this.#topic, offset);
      this.#checkServer();
      this.#cursor.snapshot(snapshot);
    }
  }

  /** A promoted replica or a restored server may lack entries that this cursor has not delivered. */
  #checkServer(): void {
    const { server } = this.#source;
    if (server !== this.#server) this.#cursor.serverChanged();
    this.#server = server;
  }

  async #retry(attempt: number, failure: unknown): Promise<void> {
    if (attempt < maxAttempts || !this.#source.isUp) return this.#pause(attempt);
    this.#onError(failure ?? new Error(`The stream of "${this.#topic}" lacks published entries.`));
    this.#cursor.giveUp();
  }
}
