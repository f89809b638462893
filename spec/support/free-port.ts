import { once } from "node:events";
import { createServer } from "node:net";

// Below the ephemeral ports of the operating system (from 32768 on Linux), so that the connection of another
// spec does not take a port before the program does.
const ports = { first: 10_000, count: 22_000 };

// Two parallel processes of mocha must not find the same port before a program takes it, so each has its own
// eighth of the ports. Any other process has all ports.
const worker = process.env.MOCHA_WORKER_ID;
const size = worker === undefined ? ports.count : ports.count / 8;
const lowest = ports.first + (Number(worker ?? 0) % 8) * size;
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
