import type { Clock } from "../../clock.ts";
import { backoffMs, pause, retry } from "../../retry.ts";
import { type CursorListener, StreamCursor } from "./stream-cursor.ts";
import type { Head, Snapshot, StreamEntry } from "./stream-format.ts";

/** Reads streams. Both methods reject when the connection breaks or the server refuses. */
export interface StreamSource {
  readonly isUp: boolean;
  /** The id of the server process that answers, if known: another process may lack entries that the last one had. */
  readonly server: string | undefined;
  /** The end of the stream of `topic`. A stream without a head gets one. */
  head(topic: string): Promise<Head>;
  /** One page of the stream of `topic`, from `offset` on. */
  read(topic: string, offset: number): Promise<Snapshot>;
}

/** After how many failed reads in a row, while there is a connection, a stream is given up. */
const maxAttempts = 6;

/** Keeps one {@link StreamCursor} in step, reading the stream whenever that is needed, once at a time. */
export class StreamFollower {
  readonly #topic: string;
  readonly #source: StreamSource;
  readonly #onError: (error: unknown) => void;
  readonly #cursor: StreamCursor;
  /** The {@link StreamSource.server} that answered last. */
  #server: string | undefined;
  #isReading = false;
  readonly #clock: Clock;
  readonly #stopping = new AbortController();

  /** @param onError called with the reason when a stream was given up; its members have got a gap. */
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

  /** Begins where the stream ends now; in an outage, once it is over. Rejects if the server refuses, or {@link stop} is called. */
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

  published(entry: StreamEntry): void {
    this.#cursor.published(entry);
    this.#follow();
  }

  /** The topic was subscribed anew: publications in between may be missing. */
  resume(): void {
    this.#cursor.suspect();
    this.#follow(true);
  }

  /** Reads the stream if its head is not where the cursor is. Costs one question for the head otherwise. */
  async check(): Promise<void> {
    const { position } = this.#cursor;
    if (this.#isReading || position === undefined) return;
    const head = await this.#source.head(this.#topic);
    // An entry that arrives meanwhile shows holes by itself, and one published just now may still be on its way.
    const isElsewhere = () => this.#cursor.position === position && !this.#cursor.isAt(head);
    if (isElsewhere()) await this.#pause(1);
    if (isElsewhere() || this.#source.server !== this.#server) this.resume();
  }

  /** Nothing is passed on any more. No timer is left. */
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

  /** @param byHead whether to compare heads first, which is one command for all who do so at once. */
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

  /** A replica that took over, or a restored server, may have lost entries that were never delivered here. */
  #checkServer(): void {
    const { server } = this.#source;
    if (server !== this.#server) this.#cursor.serverChanged();
    this.#server = server;
  }

  async #retry(attempt: number, failure: unknown): Promise<void> {
    if (attempt < maxAttempts || !this.#source.isUp) return this.#pause(attempt);
    this.#onError(failure ?? new Error(`The stream of "${this.#topic}" lacks what was published.`));
    this.#cursor.giveUp();
  }
}
