import { escapeText } from "../protocol/control-frames.ts";
import type { RawClient, SendOptions } from "./client.ts";
import { Connection } from "./connection.ts";

/** A client without a contract. */
export class PlainClient extends Connection implements RawClient {
  readonly #listeners = {
    text: this.listeners<string>(),
    json: this.listeners<unknown>(),
    bytes: this.listeners<Uint8Array>(),
  };

  on(type: "text" | "json" | "bytes", listener: (frame: never) => void): () => void {
    return this.#listeners[type].add(listener as (frame: unknown) => void);
  }

  send(frame: string | Uint8Array, options?: SendOptions): Promise<void> {
    // The caller may change its bytes while the frame waits.
    return this.post(typeof frame === "string" ? escapeText(frame) : frame.slice(), options);
  }

  async sendJson(value: unknown, options?: SendOptions): Promise<void> {
    await this.send(JSON.stringify(value), options);
  }

  protected deliver(data: string | Uint8Array): void {
    const { text, json, bytes } = this.#listeners;
    if (typeof data !== "string") {
      bytes.call(data);
      return;
    }
    text.call(data);
    let value: unknown;
    try {
      value = JSON.parse(data);
    } catch {
      return;
    }
    json.call(value);
  }
}
