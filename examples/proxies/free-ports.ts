import { once } from "node:events";
import { createServer } from "node:net";

/** Returns free ports below 32768, which the system does not give to outgoing connections. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = 10_000 + Math.floor(Math.random() * 22_000);
    const server = createServer();
    try {
      await once(server.listen(port, "127.0.0.1"), "listening");
    } catch {
      continue; // it is in use
    }
    await once(server.close(), "close");
    ports.add(port);
  }
  return [...ports];
}
