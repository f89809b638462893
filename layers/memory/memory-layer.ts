import { ChannelLayer } from "../channel-layer.ts";
import type { AnyMessages } from "../message.ts";
import type { ChannelLayerOptions } from "../options.ts";
import { MemoryBackend } from "./memory-backend.ts";
import { MemoryBus } from "./memory-bus.ts";

/** Options of a {@link MemoryLayer}. */
export interface MemoryLayerOptions extends Partial<ChannelLayerOptions> {
  /** Connects the nodes of a process, and stores the histories of their groups. @default a new bus */
  readonly bus?: MemoryBus;
  /**
   * Whether the groups of this layer have histories, on all nodes with its bus and prefix. Without it, a
   * history begins when a runtime gets a consumer on this layer that needs `history`.
   * @default false
   */
  readonly history?: boolean;
  /** See {@link ChannelLayerOptions.prefix}. Nodes need the same prefix and bus. @default "greenroom" */
  readonly prefix?: string;
}

/**
 * A channel layer within one process: for a single server, for development and for tests. Messages pass
 * through the same codec as on Redis, so an application that works with this layer also works with Redis.
 *
 * @example
 * const bus = new MemoryBus();
 * const one = new MemoryLayer({ bus });
 * const other = new MemoryLayer({ bus }); // reaches the channels of `one`, like another process on Redis
 */
export class MemoryLayer<M = AnyMessages> extends ChannelLayer<M> {
  constructor({
    bus = new MemoryBus(),
    history = false,
    prefix = "greenroom",
    ...options
  }: MemoryLayerOptions = {}) {
    super(new MemoryBackend(bus, prefix), { ...options, prefix });
    if (history) this.keepHistory();
  }
}
