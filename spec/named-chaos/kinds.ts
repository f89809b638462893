import type { ChannelLayer } from "../../layers/channel-layer.ts";
import { RedisStreamsLayer } from "../../layers/redis/index.ts";

/** The place of the named actors of a run. */
export interface Place {
  /** The servers: one address, or Sentinels. */
  readonly redis:
    | { readonly url: string }
    | {
        readonly sentinels: readonly { readonly host: string; readonly port: number }[];
        readonly name: string;
      };
  readonly prefix: string;
  readonly partitions: number;
}

export const kinds = ["counter", "mirror", "alarm"] as const;

/** A mailbox must hold everything that is sent while no node is alive. */
export const mailbox = { capacity: 1_000_000, bytes: 256 * 1024 * 1024 };

export const layerOf = ({ redis, prefix }: Place, onError: (error: unknown) => void): ChannelLayer =>
  new RedisStreamsLayer({ ...redis, prefix, onError, probeMs: 1_000, connectTimeoutMs: 5_000 });

export const counterKey = (index: number): string => `key ${index}`;
export const alarmKey = (index: number): string => `alarm ${index}`;
