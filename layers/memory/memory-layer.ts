import { ChannelLayer } from "../channel-layer.ts";
import type { AnyMessages } from "../message.ts";
import type { ChannelLayerOptions } from "../options.ts";
import { MemoryBackend } from "./memory-backend.ts";
import { MemoryBus } from "./memory-bus.ts";

export interface MemoryLayerOptions extends Partial<ChannelLayerOptions> {
  /**
   * What connects this node with others of the same process, and keeps the histories of their groups.
   * @default a bus of its own: a node without others
   */
  readonly bus?: MemoryBus;
  /** See {@link ChannelLayerOptions.prefix}. Only nodes that share a bus can meet. @default "greenroom" */
  readonly prefix?: string;
}

/**
 * A channel layer within one process: for a single server, for development and for tests.
 *
 * Messages take the same way through the codec as on Redis, so what works here works there.
 *
 * @example
 * const bus = new MemoryBus();
 * const one = new MemoryLayer({ bus });
 * const other = new MemoryLayer({ bus }); // reaches the channels of `one`, as a second process would on Redis
 */
export class MemoryLayer<M = AnyMessages> extends ChannelLayer<M> {
  constructor({ bus = new MemoryBus(), prefix = "greenroom", ...options }: MemoryLayerOptions = {}) {
    super(new MemoryBackend(bus, prefix), { ...options, prefix });
  }
}
