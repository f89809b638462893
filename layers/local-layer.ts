import type { ChannelLayer } from "./channel-layer.ts";
import { MemoryLayer } from "./memory/memory-layer.ts";

/** A layer for one node alone, for who needs channels and has no layer to make them on. */
export function createLocalLayer(): ChannelLayer {
  return new MemoryLayer({ prefix: "greenroom.local" });
}
