import { once } from "node:events";
import { createServer } from "node:net";

// Below the ephemeral ports of the operating system (from 32768 on Linux), so that the connection of another
// spec does not take a port before the program does.
const first = 10_000;
const last = 31_999;

// Two parallel processes of mocha must not find the same port before a program takes it, so each has its own
// part of the ports. Any other process has all ports.
const worker = process.env.MOCHA_WORKER_ID;
const parts = worker === undefined ? 1 : 8;
const size = Math.floor((last - first + 1) / parts);
const lowest = first + (Number(worker ?? 0) % parts) * size;
const highest = lowest + size - 1;
let next = lowest + Math.floor(Math.random() * size);

/**
 * Returns a free TCP port of the loopback address, for programs that cannot choose a port themselves. Returns
 * no port twice.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = next;
    next = port === highest ? lowest : port + 1;
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}
