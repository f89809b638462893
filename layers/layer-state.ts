import { createHash } from "node:crypto";
import type { ErrorListener } from "./error-reporter.ts";
import { UnreadableStateError, UnsupportedError } from "./errors.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { StateBackend } from "./state-backend.ts";
import { type Decoded, decode, encode } from "./wire/codec.ts";
import type { Encryption } from "./wire/encryption.ts";
import { isPlainObject, maxDepth, plain } from "./wire/plain-values.ts";

interface Context {
  readonly prefix: string;
  readonly lifecycle: Lifecycle;
  readonly encryption: Encryption;
  readonly report: ErrorListener;
}

/** The type of the messages that hold stored values, because the codec encodes only messages. */
const type = "state";

/** The named actors of a layer: opens their store on first use, encodes and encrypts what they store. */
export class LayerState {
  readonly #backend: StateBackend | undefined;
  readonly #context: Context;
  #opening: Promise<void> | undefined;
  #mustClose = false;

  constructor(backend: StateBackend | undefined, context: Context) {
    this.#backend = backend;
    this.#context = context;
  }

  /** Returns the store, which may not be open. @throws {UnsupportedError} if the layer cannot store named actors. */
  require(): StateBackend {
    if (this.#backend !== undefined) return this.#backend;
    throw new UnsupportedError("This layer cannot store named actors: use RedisStreamsLayer or MemoryLayer.");
  }

  /**
   * Runs `work` once the layer and the store are open. After a failed opening, the next call tries again.
   *
   * @throws {UnsupportedError} if the layer cannot store named actors.
   * @throws {LayerUnavailableError} if the server does not answer.
   * @throws {LayerSetupError} if the settings of the server let it delete named actors.
   * @throws {LayerClosedError} if the layer is closed, or closes before `work` begins or fails.
   */
  async run<T>(work: (backend: StateBackend) => Promise<T>): Promise<T> {
    const backend = this.require();
    return this.#context.lifecycle.run(async () => {
      this.#opening ??= this.#open(backend);
      await this.#opening;
      return work(backend);
    });
  }

  /**
   * Encodes a plain object or an array, and encrypts it if the layer has keys.
   *
   * @param where the place of the value, such as the key of its actor. If the layer has keys, {@link unpack} accepts
   *   the payload only for the same place.
   * @throws {InvalidMessageError} naming the path of a part that a message cannot hold. Also if the value takes more
   *   than 1 MiB, or holds more arrays and objects than a message can.
   */
  pack(value: object, where: string): Uint8Array {
    const { encryption } = this.#context;
    try {
      return encryption.encrypt(encode({ type, value }, encryption.isOn ? this.#place(where) : undefined));
    } catch (error) {
      refusePart(value);
      throw error;
    }
  }

  /**
   * Decrypts and decodes a payload of {@link pack}. The value is deep-frozen.
   *
   * @throws {UnreadableStateError} if the payload is malformed, or was encrypted with another key or for another place.
   */
  unpack(payload: Uint8Array, where: string): unknown {
    const { encryption } = this.#context;
    const decrypted = encryption.decrypt(payload);
    if (decrypted === undefined) throw unreadable(where, "cannot be decrypted with the keys of this layer");
    let decoded: Decoded;
    try {
      decoded = decode(decrypted);
    } catch (cause) {
      throw unreadable(where, "is malformed", cause);
    }
    const { message, envelope } = decoded;
    if (message.type !== type || !("value" in message)) throw unreadable(where, "is not a stored value");
    if (encryption.isOn && envelope?.topic !== this.#place(where).topic) {
      throw unreadable(where, "was encrypted for another place");
    }
    return message.value;
  }

  /** Closes the store if a call has opened it, or is opening it. */
  async close(): Promise<void> {
    if (this.#mustClose) await this.#backend?.close();
  }

  async #open(backend: StateBackend): Promise<void> {
    this.#mustClose = true;
    try {
      const warnings = await backend.open();
      for (const warning of warnings) this.#context.report(warning, { stage: "layer" });
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  /** The topic in an encrypted payload. It has a hash, because the length of a topic is limited. */
  #place(where: string): { readonly topic: string } {
    const hash = createHash("sha256").update(where).digest("base64url");
    return { topic: `${this.#context.prefix}__state__${hash}` };
  }
}

function unreadable(where: string, reason: string, cause?: unknown): UnreadableStateError {
  return new UnreadableStateError(`The stored value of ${JSON.stringify(where)} ${reason}.`, { cause });
}

/** @throws {InvalidMessageError} for the first part of `value` that a message cannot hold, with the path of the part. */
function refusePart(value: unknown, path: readonly string[] = []): void {
  const parts = Array.isArray(value) || isPlainObject(value) ? Object.entries(value) : [];
  for (const [key, part] of parts) {
    const partPath = [...path, key];
    try {
      plain(part, partPath.join("."));
    } catch (error) {
      if (partPath.length < maxDepth) refusePart(part, partPath);
      throw error;
    }
  }
}
