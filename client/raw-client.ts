import { escapeText } from "../protocol/control-frames.ts";
import { addressOf } from "./address.ts";
import type { ConnectOptions, RawClient } from "./client.ts";
import { openConnection } from "./connection.ts";
import type { Environment } from "./environment.ts";
import { createListeners } from "./listeners.ts";
import { parse } from "./parse.ts";

/** Opens a connection without a contract. @throws {TypeError} if the address is not a URL, or there is no WebSocket. */
export function rawClient(options: ConnectOptions, environment: Environment): RawClient {
  const { client, report, post } = openConnection(addressOf(options), options, environment, { deliver });
  const listeners = {
    text: createListeners<string>(report),
    json: createListeners<unknown>(report),
    bytes: createListeners<Uint8Array>(report),
  };

  function deliver(data: string | Uint8Array): void {
    if (typeof data === "string") {
      listeners.text.call(data);
      const value = parse(data);
      if (value !== undefined) listeners.json.call(value);
    } else listeners.bytes.call(data);
  }

  // The caller may change its bytes while the frame waits.
  const send: RawClient["send"] = (frame, options) =>
    post(typeof frame === "string" ? escapeText(frame) : frame.slice(), options);

  return Object.assign(client, {
    on: (type: keyof typeof listeners, listener: (frame: never) => void) =>
      listeners[type].add(listener as (frame: unknown) => void),
    send,
    sendJson: async (value, options) => send(JSON.stringify(value), options),
  } satisfies Omit<RawClient, keyof typeof client>);
}
