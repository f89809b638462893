import { now } from "../harness/clock.ts";
import { type Figures, quantile } from "../harness/results.ts";
import { type Environment, expectHandled, type Node, startNode, stopNode } from "./measure-load.ts";
import { keyName } from "./systems/system.ts";

/** The time within which a new node takes over its share of the keys, in milliseconds. */
const takeOverMs = 30_000;

/**
 * Kills one of two nodes repeatedly. The other node asks all keys of the killed one, as soon as it is killed.
 *
 * @returns the times from the kill to the answers, in milliseconds
 */
export async function measureKills(keys: number, kills: number, environment: Environment): Promise<Figures> {
  await environment.redis.client.flushall();
  const names = Array.from({ length: keys }, (_, index) => keyName(index));
  const load = { first: 0, keys, messages: keys, inFlight: 64 };
  const survivor = await startNode("ask", environment, "survivor");
  let messages = keys;
  const times: number[] = [];
  try {
    await survivor.call("run", load);
    for (let kill = 0; kill < kills; kill += 1) {
      const victim = await startNode("ask", environment, "victim");
      const theirs = await keysOfOther(survivor, names);
      const since = now();
      const killed = victim.kill();
      times.push(...(await survivor.call("answersOf", theirs, since)));
      await killed;
      messages += theirs.length;
    }
    await expectHandled(survivor, load, messages);
  } finally {
    await stopNode(survivor, environment);
  }
  const sorted = Float64Array.from(times).sort();
  const [p50Ms, p99Ms] = [quantile(sorted, 0.5), quantile(sorted, 0.99)];
  return { p50Ms, p99Ms, worstMs: quantile(sorted, 1), keys: times.length };
}

/** Resolves with the keys that another process runs, once these are a third of all keys at least. */
async function keysOfOther(node: Node, names: readonly string[]): Promise<readonly string[]> {
  const own = await node.call("processId");
  for (const end = performance.now() + takeOverMs; performance.now() < end; ) {
    const ids = await node.call("where", names);
    const theirs = names.filter((_, index) => ids[index] !== own);
    if (theirs.length >= names.length / 3) return theirs;
  }
  throw new Error("The new node did not take over its share of the keys.");
}
