import { escapeText } from "../protocol/control-frames.ts";
import { BaseClient } from "./base-client.ts";
import type { RawClient, SendOptions } from "./client.ts";

/** A client without a contract. */
export class PlainClient extends BaseClient implements RawClient {
  readonly #texts = this.listeners<string>();
  readonly #values = this.listeners<unknown>();
  readonly #bytes = this.listeners<Uint8Array>();

  on(type: "text", listener: (text: string) => void): () => void;
  on(type: "json", listener: (value: unknown) => void): () => void;
  on(type: "bytes", listener: (bytes: Uint8Array) => void): () => void;
  on(type: "text" | "json" | "bytes", listener: (frame: never) => void): () => void {
    const listeners = { text: this.#texts, json: this.#values, bytes: this.#bytes }[type];
    return listeners.add(listener as (frame: unknown) => void);
  }

  send(frame: string | Uint8Array, options?: SendOptions): Promise<void> {
    // The caller may change its bytes while the frame waits.
    return this.write(typeof frame === "string" ? escapeText(frame) : frame.slice(), options);
  }

  sendJson(value: unknown, options?: SendOptions): Promise<void> {
    return this.send(JSON.stringify(value), options);
  }

  /** @internal */
  receive(data: string | Uint8Array): void {
    if (typeof data !== "string") {
      this.#bytes.call(data);
      return;
    }
    this.#texts.call(data);
    if (this.#values.isEmpty) return;
    let value: unknown;
    try {
      value = JSON.parse(data);
    } catch {
      return;
    }
    this.#values.call(value);
  }
}
