import type { Clock } from "../../clock.ts";
import { Pauses } from "../connection/pauses.ts";
import { type CursorListener, StreamCursor } from "./stream-cursor.ts";
import type { Entry, Head, Snapshot } from "./stream-format.ts";

/** How streams are read. Both reject when the connection breaks, or the server refuses. */
export interface StreamSource {
  /** Whether there is a connection, so that it makes sense to try again. */
  readonly isUp: boolean;
  /** Which process answers, where that is known: another one may lack what the last one had. */
  readonly server: string | undefined;
  /** Where the stream of `topic` ends. One that has no head yet gets one. */
  head(topic: string): Promise<Head>;
  /** One page of the stream of `topic`, from `offset` on. */
  read(topic: string, offset: number): Promise<Snapshot>;
}

/** How often in a row a stream is read without success, while there is a connection, until it is given up. */
const mostAttempts = 6;

/** Keeps one {@link StreamCursor} in step, reading the stream whenever that is needed, once at a time. */
export class StreamFollower {
  readonly #topic: string;
  readonly #source: StreamSource;
  readonly #onError: (error: unknown) => void;
  readonly #cursor: StreamCursor;
  /** Which one answered last. */
  #server: string | undefined;
  #isReading = false;
  readonly #pauses: Pauses;

  /** @param onError hears why a stream was given up; its members have got a gap. */
  constructor(
    topic: string,
    source: StreamSource,
    listener: CursorListener,
    clock: Clock,
    onError: (error: unknown) => void,
  ) {
    this.#topic = topic;
    this.#source = source;
    this.#pauses = new Pauses(clock);
    this.#onError = onError;
    this.#cursor = new StreamCursor({
      payload: (payload, position) => {
        if (!this.#pauses.areOver) listener.payload(payload, position);
      },
      gap: (range) => {
        if (!this.#pauses.areOver) listener.gap(range);
      },
    });
  }

  /** Begins where the stream ends now: in an outage, after it. Rejects if the server refuses to tell. */
  async start(): Promise<void> {
    for (let attempt = 1; !this.#pauses.areOver; attempt += 1) {
      try {
        const head = await this.#source.head(this.#topic);
        this.#server = this.#source.server;
        this.#cursor.compare(head);
        return;
      } catch (error) {
        if (this.#source.isUp) throw error;
        await this.#pauses.before(attempt);
      }
    }
  }

  published(entry: Entry): void {
    this.#cursor.published(entry);
    this.#follow();
  }

  /** The topic was subscribed anew: what was published in between was not told. */
  resume(): void {
    this.#cursor.suspect();
    this.#follow(true);
  }

  /** Reads what was never told, if the stream has more than was. Cheap where it has not. */
  async check(): Promise<void> {
    const { position } = this.#cursor;
    if (this.#isReading || position === undefined) return;
    const head = await this.#source.head(this.#topic);
    // What comes meanwhile shows holes by itself, and what was published just now is still on its way.
    const isElsewhere = () => this.#cursor.position === position && !this.#cursor.isAt(head);
    if (isElsewhere()) await this.#pauses.before(1);
    if (isElsewhere() || this.#source.server !== this.#server) this.resume();
  }

  /** Nothing is passed on any more. */
  stop(): void {
    this.#pauses.end();
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
    while (!this.#cursor.isInStep && !this.#pauses.areOver) {
      const { position } = this.#cursor;
      const wasComparing = isComparing;
      const failure = await this.#ask(isComparing);
      if (failure === undefined) isComparing = false;
      if (this.#cursor.isInStep || this.#cursor.position !== position) attempt = 0;
      else if (failure !== undefined || !wasComparing) {
        attempt += 1;
        await this.#retry(attempt, failure);
      }
    }
    this.#isReading = false;
  }

  /** @returns why the source did not answer, if it did not. */
  async #ask(isComparing: boolean): Promise<unknown> {
    const offset = this.#cursor.ask();
    try {
      if (isComparing) {
        const head = await this.#source.head(this.#topic);
        this.#recognise();
        this.#cursor.compare(head);
      } else {
        const snapshot = await this.#source.read(this.#topic, offset);
        this.#recognise();
        this.#cursor.snapshot(snapshot);
      }
      return undefined;
    } catch (error) {
      return error;
    }
  }

  /** A replica that took over, or a server that was restored, may have lost what nobody here has seen. */
  #recognise(): void {
    const { server } = this.#source;
    if (server !== this.#server) this.#cursor.doubt();
    this.#server = server;
  }

  async #retry(attempt: number, failure: unknown): Promise<void> {
    if (attempt < mostAttempts || !this.#source.isUp) return this.#pauses.before(attempt);
    this.#onError(failure ?? new Error(`The stream of "${this.#topic}" lacks what was published.`));
    this.#cursor.giveUp();
  }
}
