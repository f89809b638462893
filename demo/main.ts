import { startDemo } from "./server.ts";

// `npm start`: reads the environment, starts the demo, and ends it on SIGTERM or SIGINT.

const exitMs = 9_000;

function readPort(value = "8080"): number {
  const port = Number(value);
  if (/^\d+$/.test(value) && port <= 65_535) return port;
  throw new Error(`PORT is "${value}"; it must be a number from 0 to 65535.`);
}

function readRedisUrl(value = ""): string | undefined {
  if (value === "" || /^rediss?:\/\/./.test(value)) return value || undefined;
  throw new Error(
    "REDIS_URL must look like redis://localhost:6379, or rediss://… for TLS; unset, layers are in memory.",
  );
}

function explain(error: Error & { code?: string; port?: number }): string {
  const { code, message, port = 0 } = error;
  switch (code) {
    case "EADDRINUSE":
      return `Port ${port} is taken: stop what listens there, or choose another one, such as PORT=${port + 1}.`;
    case "ERR_LAYER_UNAVAILABLE":
      return `${message}. Start one there (\`docker compose up -d\` does, at redis://localhost:6399), or unset REDIS_URL.`;
    default:
      return message;
  }
}

try {
  const port = readPort(process.env.PORT);
  const redisUrl = readRedisUrl(process.env.REDIS_URL);
  const demo = await startDemo({ port, redisUrl });
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
