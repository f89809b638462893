import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { Server as SecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import {
  BlockedEventLoopError,
  createRuntime,
  type Layers,
  MemoryLayer,
  type Runtime,
  type RuntimeOptions,
} from "greenroom";

export interface Failure {
  readonly error: unknown;
  readonly stage: string;
}

export interface Serving<L extends Layers, U = never> {
  readonly runtime: Runtime<L, U>;
  readonly server: Server;
  readonly url: string;
  readonly failures: Failure[];
}

const open: Serving<Layers>[] = [];

/** Whether a busy machine can cause `error`, by interrupting a handler for longer than the limit. */
export const isByMachine = (error: unknown): boolean => error instanceof BlockedEventLoopError;

/** An `onError` that leaves out the errors that a busy machine can cause, and passes all others to `record`. */
export function unlessByMachine<E, W>(record: (error: E, where: W) => unknown) {
  return (error: E, where: W): void => {
    if (!isByMachine(error)) record(error, where);
  };
}

export const chat = () => ({ chat: new MemoryLayer() });

/**
 * Starts a runtime on a free port, on a plain server by default. {@link stopServing} ends the runtime. The
 * recorded failures omit handlers that block the event loop.
 */
export async function serve<L extends Layers, U = never>(
  options: RuntimeOptions<L, U> & { readonly layers: L },
  server: Server = createServer(),
): Promise<Serving<L, U>> {
  const failures: Failure[] = [];
  const runtime = createRuntime<L, U>({
    onError: unlessByMachine((error, { stage }) => failures.push({ error, stage })),
    ...options,
  });
  runtime.attach(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const serving = {
    runtime,
    server,
    url: `${server instanceof SecureServer ? "https" : "http"}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    failures,
  };
  open.push(serving as unknown as Serving<Layers>);
  return serving;
}

export async function stopServing(): Promise<void> {
  for (const { runtime, server } of open.splice(0)) {
    await runtime.close({ drainMs: 1_000 });
    server.close();
    server.closeAllConnections();
  }
}
