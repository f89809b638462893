import type { Delivery } from "../../layers/message.ts";
import { MessageShapeError } from "../message-shape-error.ts";

/** The key of the method that sends a message on as a frame. Only consumers with a contract have it. */
export const relayFrame = Symbol("relayFrame");

/**
 * The texts of the frames as which one entry of a table has relayed messages. Each entry has its own, so that
 * relays of the same message under several names, or for several contracts, do not replace each other's texts.
 */
export class RelayedTexts {
  /** For each message its text, or the reason why it is dropped. */
  readonly #plain = new WeakMap<object, string | MessageShapeError>();
  readonly #positioned = new WeakMap<object, string>();

  /**
   * Returns the text of `message`. Calls `encode` only for the first of all members on this node.
   * @throws {MessageShapeError} as `encode` does, for each member.
   */
  of(message: object, encode: () => string): string {
    const known = this.#plain.get(message);
    if (typeof known === "string") return known;
    if (known !== undefined) throw known;
    try {
      const text = encode();
      this.#plain.set(message, text);
      return text;
    } catch (error) {
      if (error instanceof MessageShapeError) this.#plain.set(message, error);
      throw error;
    }
  }

  /**
   * The same with the property `@` of the frame: the group, and the offset of the message in the group's history. A
   * client that has lost its session asks for the messages after this position.
   */
  positioned(message: object, { group, offset }: Delivery, encode: () => string): string {
    const known = this.#positioned.get(message);
    if (known !== undefined) return known;
    const text = `${this.of(message, encode).slice(0, -1)},"@":${JSON.stringify([group, offset])}}`;
    this.#positioned.set(message, text);
    return text;
  }
}

/** An entry of {@link handlers} that sends a message on as a frame. `T` is the type of the frame. */
export interface Relay<T extends string = string> {
  /** The type of the frame; `"="` stands for the type of the message. */
  readonly relay: T;
}

/**
 * Sends a message of the layer to the client, unchanged, as the frame of the same type. No handler runs for a
 * member, and the frame is validated and encoded once per node. The compiler checks that the message is what the
 * frame is. A message that does not fit the frame's schema is dropped, and counted as `invalid`.
 *
 * @example
 * static override readonly on = handlers<RoomChat>({ said: relay });
 */
export const relay: Relay<"="> = Object.freeze({ relay: "=" });

/** Like {@link relay}, for a frame with another type than the message: `{ room_message: relayAs("said") }`. */
export function relayAs<const T extends string>(frame: T): Relay<T> {
  return Object.freeze({ relay: frame });
}

/** Whether an entry of a table of handlers is a {@link Relay}. */
export const isRelay = (entry: unknown): entry is Relay =>
  typeof entry === "object" && entry !== null && typeof (entry as Partial<Relay>).relay === "string";
