import { startDemo } from "./server.ts";

// `npm start`: reads the environment, starts the demo, and ends it on SIGTERM or SIGINT.

const exitMs = 9_000;

function readPort(value = "8080"): number {
  const port = Number(value);
  if (/^\d+$/.test(value) && port <= 65_535) return port;
  throw new Error(`PORT is "${value}"; it must be a number from 0 to 65535.`);
}

function explain(error: Error & { code?: string; port?: number }): string {
  if (error.code !== "EADDRINUSE") return error.message;
  return `Port ${error.port} is taken: stop what listens there, or choose another one, such as PORT=${(error.port ?? 0) + 1}.`;
}

try {
  const { PORT: port, REDIS_URL: redisUrl } = process.env;
  const demo = await startDemo({ port: readPort(port), redisUrl: redisUrl || undefined });
  process.stdout.write(
    `Greenroom demo: ${demo.url}\nLayers: chat on ${redisUrl ? "Redis pub/sub" : "memory"}\n`,
  );

  const stop = () => {
    process.stdout.write("Closing connections…\n");
    setTimeout(() => process.exit(0), exitMs).unref();
    void demo.close().finally(() => process.exit(0));
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
} catch (error) {
  process.stderr.write(`The demo cannot start. ${explain(error as Error)}\n`);
  process.exit(1);
}
