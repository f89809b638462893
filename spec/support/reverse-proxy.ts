import { once } from "node:events";
import { createServer, type IncomingMessage, request } from "node:http";
import { type AddressInfo, connect } from "node:net";

export interface ReverseProxy {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Starts a reverse proxy for a server on this machine. Like nginx with a plain `proxy_pass`, the proxy sets
 * `Host` to the address of the server, and adds no header of its own. Unlike nginx, it passes upgrades on.
 */
export async function startReverseProxy(target: string): Promise<ReverseProxy> {
  const { host, port } = new URL(target);
  const headersOf = ({ headers }: IncomingMessage) => ({ ...headers, host });
  const proxy = createServer((incoming, outgoing) => {
    const { method, url: path } = incoming;
    const forwarded = request(target, { method, path, headers: headersOf(incoming) }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(forwarded);
  });
  proxy.on("upgrade", (incoming, client, head) => {
    const server = connect(Number(port), "127.0.0.1");
    const lines = Object.entries(headersOf(incoming)).map(([name, value]) => `${name}: ${value}\r\n`);
    server.write(`${incoming.method} ${incoming.url} HTTP/1.1\r\n${lines.join("")}\r\n`);
    server.write(head);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.pipe(to);
      from.on("error", () => to.destroy());
    }
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    async close() {
      const closed = once(proxy, "close");
      proxy.close();
      proxy.closeAllConnections();
      await closed;
    },
  };
}
