import { LayerSetupError } from "../../errors.ts";

/** A kind of layer. Layers of different kinds do not receive each other's messages to groups. */
export type LayerKind = (typeof layerKinds)[number];

export const layerKinds = ["pub/sub", "streams"] as const;

export interface MarkerCommands {
  subscribe(topic: string): Promise<unknown>;
  /** Returns the number of subscribers of `topic`. */
  count(topic: string): Promise<number>;
}

/**
 * Returns the topic that each layer of this kind and prefix subscribes to. In a cluster, the topics of all
 * kinds of a prefix are in one slot, because of the hash tag.
 */
export function markerTopic(prefix: string, kind: LayerKind): string {
  return `${prefix}__{kind}__${kind === "streams" ? "streams" : "pubsub"}`;
}

/** Detects that a layer of another kind uses the same prefix. Such layers would meet in silence. */
export class KindMarker {
  readonly #prefix: string;
  readonly #kind: LayerKind;
  readonly #commands: MarkerCommands;
  #subscribing: Promise<unknown> = Promise.resolve();

  constructor(prefix: string, kind: LayerKind, commands: MarkerCommands) {
    this.#prefix = prefix;
    this.#kind = kind;
    this.#commands = commands;
  }

  /** Must be called after each connect of the subscriber. If the server refuses the topic, nothing happens. */
  announce(): void {
    this.#subscribing = this.#commands.subscribe(markerTopic(this.#prefix, this.#kind)).catch(() => {});
  }

  /**
   * Returns an error if a layer of the other kind is running. Returns undefined if the server refuses the
   * question. Asks after its own announcement, so that of two layers that start together, one sees the other.
   */
  async conflict(address: string): Promise<LayerSetupError | undefined> {
    await this.#subscribing;
    const other = this.#kind === "streams" ? "pub/sub" : "streams";
    const count = await this.#commands.count(markerTopic(this.#prefix, other)).catch(() => 0);
    if (count === 0) return undefined;
    return new LayerSetupError(
      `A ${this.#kind} layer and a ${other} layer use the prefix "${this.#prefix}" on Redis at ${address}. ` +
        "They do not receive each other's messages to groups: give each kind its own prefix.",
    );
  }
}
