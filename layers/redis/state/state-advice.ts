import { LayerSetupError } from "../../errors.ts";
import type { ServerFacts } from "../connection/server-check.ts";

/**
 * Returns one error for each setting of the server that endangers named actors.
 *
 * @throws {LayerSetupError} if the server may delete any key when its memory is full.
 */
export function stateAdvice(address: string, facts: Partial<ServerFacts> = {}): readonly LayerSetupError[] {
  const { evictionPolicy, hasAppendOnlyFile } = facts;
  const error = (text: string) => new LayerSetupError(`Redis at ${address} ${text}.`);
  if (evictionPolicy?.startsWith("allkeys-")) {
    throw error(
      `has maxmemory-policy ${evictionPolicy}, so it cannot store named actors: when its memory is full, it ` +
        "deletes them. Set maxmemory-policy noeviction, and give caches a server of their own",
    );
  }
  if (evictionPolicy === undefined || hasAppendOnlyFile === undefined) {
    return [
      error(
        "does not tell its settings, so it may delete named actors when its memory is full, or lose them in a " +
          "restart. Permit INFO, for example with ACL SETUSER <user> +info",
      ),
    ];
  }
  if (hasAppendOnlyFile) return [];
  return [
    error(
      "writes no append-only file, so a restart loses changes of named actors, or all of them. " +
        "Set appendonly yes, or keep replicas",
    ),
  ];
}
