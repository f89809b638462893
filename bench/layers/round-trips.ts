import type { BenchRedis } from "../harness/redis.ts";
import type { Figures } from "../harness/results.ts";
import type { CarrierName } from "./carriers/index.ts";
import { startNode } from "./measuring.ts";
import { startSlowLink } from "./slow-link.ts";

/** The duration of a round trip over the slow link. It is long compared with all other work. */
const roundTripMs = 400;

/** The source that `MONITOR` reports for commands of a script. */
const scriptSource = "lua";

/**
 * Counts the round trips and the commands of `atOnce` concurrent joins. Groups are joined over a fast link,
 * then over a slow link. The number of round trips follows from the difference in duration, so that the load
 * of the machine does not change the result.
 */
export async function countRoundTrips(
  carrier: CarrierName,
  atOnce: number,
  redis: BenchRedis,
): Promise<Figures> {
  const { hostname, port } = new URL(redis.url);
  // Empties the server, because joins of groups that are new to the server cost the most.
  await redis.client.flushall();
  const link = await startSlowLink(Number(port));
  const node = startNode("joins");
  const monitor = await redis.client.monitor();
  try {
    await node.call("open", carrier, `redis://${hostname}:${link.port}`);
    // The first join creates the node's channel and loads scripts.
    await node.call("joinMany", { joins: 1, atOnce: 1 });
    const end = `the end ${Math.random()}`;
    const counted = new Promise<number>((resolve) => {
      let commands = 0;
      monitor.on("monitor", (_time: string, [name, ...args]: string[], source: string) => {
        if (args.includes(end)) resolve(commands);
        else if (source !== scriptSource && !isProbe(name, args)) commands += 1;
      });
    });
    const quick = await node.call("joinMany", { joins: atOnce, atOnce });
    await redis.client.echo(end);
    const commands = await counted;
    link.delayMs = roundTripMs / 2;
    const slow = await node.call("joinMany", { joins: atOnce, atOnce });
    const roundTrips = Math.round(((slow.seconds - quick.seconds) * 1_000) / roundTripMs);
    return { roundTrips, commands };
  } finally {
    monitor.disconnect();
    await node.close();
    await link.close();
  }
}

/** Whether a command is a layer's regular probe of its connection, which is not part of a join. */
function isProbe(name: string | undefined, args: readonly string[]): boolean {
  return /^(?:publish|ping)$/i.test(name ?? "") && (args.length === 0 || /__probe__/.test(args[0] ?? ""));
}
