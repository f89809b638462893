import type { Socket } from "node:net";

/** Calls `act` whenever a socket hands something to the operating system, just before. */
export function onWrite(socket: Socket, act: () => void): void {
  for (const method of ["_write", "_writev"] as const) {
    const original = socket[method] as (...args: unknown[]) => void;
    Object.assign(socket, {
      [method](...args: unknown[]) {
        act();
        original.apply(socket, args);
      },
    });
  }
}
