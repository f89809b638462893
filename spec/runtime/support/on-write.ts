import type { Socket } from "node:net";

/** Calls `act` before each write of `socket` to the operating system. */
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
