import type { ConsumerContext } from "../consumer-context.ts";
import type { SavedMemberships } from "./actor-snapshot.ts";

/** Joins the groups of a snapshot again, with its tags and presences. Rejects as `groupAdd` does. */
export async function restoreMemberships(
  { groups, messaging }: Pick<ConsumerContext, "groups" | "messaging">,
  saved: SavedMemberships,
): Promise<void> {
  for (const tag of saved.tags) messaging.restoreTag(tag);
  await Promise.all(saved.groups.map((group) => groups.groupAdd(group)));
  for (const { group, meta, ...options } of saved.presence) messaging.track(group, meta, options);
  for (const group of saved.watches) messaging.watch(group);
}
