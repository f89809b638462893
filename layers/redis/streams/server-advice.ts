import { LayerSetupError } from "../../errors.ts";
import type { ServerFacts } from "../connection/server-check.ts";

/** Returns one error for each setting of the server that endangers the histories and queues of a layer. */
export function serverAdvice(address: string, { runId, evictionPolicy }: ServerFacts): LayerSetupError[] {
  const advice: string[] = [];
  if (runId === undefined) {
    advice.push(
      "does not tell its run_id, so the layer cannot tell a failover from a short outage: each reconnect " +
        "causes a gap in every group. Permit INFO, for example with ACL SETUSER <user> +info",
    );
  }
  const endangered = endangeredBy(evictionPolicy);
  if (endangered !== undefined) {
    advice.push(
      `has maxmemory-policy ${evictionPolicy}: when its memory is full, it may delete ${endangered}. ` +
        "Set maxmemory-policy noeviction, and give caches a server of their own",
    );
  }
  return advice.map((text) => new LayerSetupError(`Redis at ${address} ${text}.`));
}

/** Histories expire, so `volatile-…` policies may evict them. Queues do not expire. */
function endangeredBy(policy = "noeviction"): string | undefined {
  if (policy.startsWith("allkeys-")) return "queues with all their jobs, and histories";
  return policy.startsWith("volatile-") ? "histories of groups, which then get gaps" : undefined;
}
