import type { CarrierName } from "./carriers/index.ts";
import type { Bench } from "./measuring.ts";
import { RemoteNode } from "./remote.ts";
import { startSlowLink } from "./slow-link.ts";

/** What joins ask of the server, whatever the machine's load: how many answers they wait for in a row, and commands. */
export interface JoinCost {
  readonly roundTrips: number;
  readonly commands: number;
}

/** What a round trip takes: long beside all that the machine does meanwhile. */
const roundTripMs = 400;

/** Commands that a script runs are not sent by anyone. */
const byScript = "lua";

/**
 * Joins `atOnce` groups over a quick way to the server and others over a slow one, and looks what it sends and how much
 * longer that takes.
 */
export async function countRoundTrips(carrier: CarrierName, atOnce: number, bench: Bench): Promise<JoinCost> {
  const { hostname, port } = new URL(bench.url);
  // Groups that the server has never heard of are the dearest to join.
  await bench.redis.flushall();
  const link = await startSlowLink(Number(port));
  const node = new RemoteNode();
  const monitor = await bench.redis.monitor();
  try {
    await node.ask("open", carrier, `redis://${hostname}:${link.port}`);
    // The first join makes the node's own channel, and scripts known to the server.
    await node.ask("joinMany", { joins: 1, atOnce: 1 });
    const end = `the end ${Math.random()}`;
    const counted = new Promise<number>((resolve) => {
      let commands = 0;
      monitor.on("monitor", (_time: string, [name, ...args]: string[], source: string) => {
        if (args.includes(end)) resolve(commands);
        else if (source !== byScript && !isProbe(name, args)) commands += 1;
      });
    });
    const quick = await node.ask("joinMany", { joins: atOnce, atOnce });
    await bench.redis.echo(end);
    const commands = await counted;
    link.delayMs = roundTripMs / 2;
    const slow = await node.ask("joinMany", { joins: atOnce, atOnce });
    const roundTrips = Math.round(((slow.seconds - quick.seconds) * 1_000) / roundTripMs);
    return { roundTrips, commands };
  } finally {
    monitor.disconnect();
    await node.close();
    await link.close();
  }
}

/** What a layer publishes to itself from time to time has nothing to do with joins. */
function isProbe(name: string | undefined, args: readonly string[]): boolean {
  return /^(?:publish|ping)$/i.test(name ?? "") && (args.length === 0 || /__probe__/.test(args[0] ?? ""));
}
