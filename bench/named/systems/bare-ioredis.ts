import { Redis } from "ioredis";
import { textBytes } from "../rows.ts";
import type { System } from "./system.ts";

/** The control: each message is added to a stream, and the new state of its key is stored. Nothing reads the stream. */
export function bareIoredis(url: string): System {
  // Like a layer, writes the commands of one turn of the event loop together.
  const redis = new Redis(url, { enableAutoPipelining: true });
  const message = Buffer.alloc(50, "m");
  const states = new Map<string, { count: number; readonly text: string }>();
  return {
    async pass(key) {
      const state = states.get(key) ?? { count: 0, text: "x".repeat(textBytes) };
      states.set(key, state);
      state.count += 1;
      await Promise.all([
        redis.xadd(`messages:${key}`, "MAXLEN", "~", 100, "*", "message", message),
        redis.set(`state:${key}`, JSON.stringify(state)),
      ]);
    },
    async handled(keys) {
      const stored = await redis.mget(keys.map((key) => `state:${key}`));
      return stored.reduce((sum, state) => sum + (state === null ? 0 : JSON.parse(state).count), 0);
    },
    async close() {
      redis.disconnect();
    },
  };
}
