import type { EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

/** Returns whether it has handled the upgrade. */
type Interceptor = (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean;

/**
 * Calls `intercept` for each upgrade before the listeners of `server`, which do not get an upgrade that it has
 * handled. Replaces `emit`, because a listener cannot keep an event from the other listeners. Returns a function
 * that ends this.
 */
export function interceptUpgrades(server: EventEmitter, intercept: Interceptor): () => void {
  const { emit } = server;
  let isActive = true;
  const intercepting: typeof emit = (name, ...values) => {
    if (isActive && name === "upgrade" && intercept(...(values as Parameters<Interceptor>))) return true;
    return emit.call(server, name, ...values);
  };
  server.emit = intercepting;
  return () => {
    isActive = false;
    if (server.emit === intercepting) server.emit = emit;
  };
}
