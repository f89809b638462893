import type { Redis } from "ioredis";
import { until } from "../layers/support/until.ts";

/**
 * Resolves once all replicas have what the master of `client` has written by now. `WAIT` does not tell: it
 * covers the writes of its own connection only.
 */
export async function replicated(client: Redis): Promise<void> {
  const written = Number(/^master_repl_offset:(\d+)/m.exec(await client.info("replication"))?.[1]);
  await until(async () => {
    const replicas = [
      ...(await client.info("replication")).matchAll(/^slave\d+:.*state=(\w+),offset=(\d+)/gm),
    ];
    const isUpToDate = ([, state, offset]: RegExpExecArray) =>
      state === "online" && Number(offset) >= written;
    return replicas.length > 0 && replicas.every(isUpToDate);
  });
}
