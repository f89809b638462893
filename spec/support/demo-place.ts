import { type Demo, startDemo } from "../../demo/server.ts";
import { Client } from "./client.ts";
import { startRedisServer } from "./redis.ts";

/** One demo in memory, or several on one Redis. */
export interface DemoPlace {
  readonly url: string;
  /** Connects a client. If there are several servers, successive clients connect to successive servers. */
  open(path: string): Promise<Client>;
  close(): Promise<void>;
}

function at(demos: readonly [Demo, ...Demo[]], end: () => Promise<unknown>): DemoPlace {
  let clients = 0;
  return {
    url: demos[0].url,
    open(path) {
      const { url } = demos[clients % demos.length] ?? demos[0];
      clients += 1;
      return Client.open(url + path);
    },
    async close() {
      await Promise.all(demos.map((demo) => demo.close()));
      await end();
    },
  };
}

export const demoPlaces: Readonly<Record<string, () => Promise<DemoPlace>>> = {
  "in memory": async () => at([await startDemo({ port: 0 })], async () => {}),
  "on two servers and one Redis": async () => {
    const redis = await startRedisServer();
    const start = () => startDemo({ port: 0, redisUrl: redis.url });
    return at([await start(), await start()], () => redis.stop());
  },
};
