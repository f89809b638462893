import type { LayerState } from "../layers/layer-state.ts";
import type { Partition } from "../layers/state-backend.ts";
import { type RecordCodec, viewIn } from "./records.ts";
import { readVersion } from "./versions.ts";

/** The view of an actor at one version. Undefined for an actor that does not exist. */
interface Shown {
  readonly version: string | undefined;
  readonly view: unknown;
}

interface Watched {
  readonly watchers: Set<(shown: Shown) => void>;
  /** The newest view. Undefined until it is read. */
  shown: Shown | undefined;
  reading: Promise<void> | undefined;
  isOutdated: boolean;
  readonly subscribed: Promise<void>;
}

export interface ViewsOptions {
  readonly kind: string;
  readonly state: LayerState;
  readonly codec: RecordCodec;
  readonly partitionOf: (key: string) => Partition;
  readonly report: (error: unknown) => void;
}

/** Reads the views of actors, and follows them for watchers. Watchers of one actor share a subscription. */
export class Views {
  readonly #options: ViewsOptions;
  readonly #watched = new Map<string, Watched>();
  readonly #closing = new AbortController();

  constructor(options: ViewsOptions) {
    this.#options = options;
  }

  /** @throws {LayerUnavailableError} */
  async read(key: string): Promise<unknown> {
    return (await this.#read(key)).view;
  }

  async *watch(key: string, signal: AbortSignal | undefined): AsyncGenerator<unknown, void, undefined> {
    const ends =
      signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]);
    if (ends.aborted) return;
    let next: Shown | undefined;
    let wake: () => void = () => {};
    const watcher = (shown: Shown) => {
      next = shown;
      wake();
    };
    const onEnd = () => wake();
    ends.addEventListener("abort", onEnd);
    try {
      await this.#add(key, watcher);
      while (!ends.aborted) {
        if (next === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          continue;
        }
        const { view } = next;
        next = undefined;
        yield view;
      }
    } finally {
      ends.removeEventListener("abort", onEnd);
      this.#remove(key, watcher);
    }
  }

  /** Ends all watches. */
  close(): void {
    this.#closing.abort();
  }

  async #read(key: string): Promise<Shown> {
    const { state, codec, partitionOf } = this.#options;
    const { state: stored } = await state.run((backend) => backend.read(partitionOf(key), key));
    if (stored === undefined) return { version: undefined, view: undefined };
    return { version: stored.version, view: viewIn(codec.unpack("state", key, stored.data)) };
  }

  async #add(key: string, watcher: (shown: Shown) => void): Promise<void> {
    let watched = this.#watched.get(key);
    if (watched === undefined) {
      watched = {
        watchers: new Set(),
        shown: undefined,
        reading: undefined,
        isOutdated: false,
        subscribed: this.#subscribe(key),
      };
      this.#watched.set(key, watched);
    }
    watched.watchers.add(watcher);
    await watched.subscribed;
    if (watched.shown === undefined) await this.#refresh(key, watched);
    else watcher(watched.shown);
  }

  #remove(key: string, watcher: (shown: Shown) => void): void {
    const watched = this.#watched.get(key);
    if (!watched?.watchers.delete(watcher) || watched.watchers.size > 0) return;
    this.#watched.delete(key);
    const { state, report } = this.#options;
    watched.subscribed
      .then(() => {
        // Another watcher may have come meanwhile.
        if (!this.#watched.has(key)) return state.run((backend) => backend.unsubscribe(this.#topicOf(key)));
        return undefined;
      })
      .catch((error: unknown) => {
        if (!this.#closing.signal.aborted) report(error);
      });
  }

  #topicOf(key: string) {
    return { partition: this.#options.partitionOf(key), topic: "view", key } as const;
  }

  #subscribe(key: string): Promise<void> {
    const { state } = this.#options;
    const subscription = {
      payload: (payload: Uint8Array) => this.#onView(key, payload),
      gap: () => {
        const watched = this.#watched.get(key);
        if (watched !== undefined) this.#refreshLater(key, watched);
      },
    };
    return state.run((backend) => backend.subscribe(this.#topicOf(key), subscription));
  }

  #onView(key: string, payload: Uint8Array): void {
    const watched = this.#watched.get(key);
    if (watched === undefined) return;
    try {
      const { n, w } = this.#options.codec.unpack("view", key, payload);
      const known = watched.shown?.version;
      const isNewer = known !== undefined && n !== "" && isSuccessor(n, known);
      if (isNewer) this.#show(watched, { version: n, view: w });
      else if (known !== n) this.#refreshLater(key, watched);
    } catch (error) {
      this.#options.report(error);
    }
  }

  #refreshLater(key: string, watched: Watched): void {
    this.#refresh(key, watched).catch((error: unknown) => this.#options.report(error));
  }

  /** Reads the view from the store. If it is read already, reads it once more afterwards. */
  #refresh(key: string, watched: Watched): Promise<void> {
    watched.isOutdated = true;
    watched.reading ??= this.#readAll(key, watched).finally(() => {
      watched.reading = undefined;
    });
    return watched.reading;
  }

  async #readAll(key: string, watched: Watched): Promise<void> {
    while (watched.isOutdated) {
      watched.isOutdated = false;
      const before = watched.shown;
      const read = await this.#read(key);
      // A payload that arrived meanwhile is at least as new as what was read.
      if (watched.shown === before) this.#show(watched, read);
    }
  }

  #show(watched: Watched, shown: Shown): void {
    const isSame = watched.shown !== undefined && watched.shown.version === shown.version;
    watched.shown = shown;
    if (!isSame) for (const watcher of watched.watchers) watcher(shown);
  }
}

/** Whether `version` follows `known`, in the same life of the actor. */
function isSuccessor(version: string, known: string): boolean {
  const [one, other] = [readVersion(version), readVersion(known)];
  return one.incarnation === other.incarnation && one.n > other.n;
}
