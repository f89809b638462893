import { type SentinelConnectionOptions, SentinelConnector, type SentinelIterator } from "ioredis";

/**
 * Returns a connector class for the consecutive clients of one connection. The clients share the list of
 * Sentinels, including those that were discovered. Each attempt begins with the next Sentinel, because a
 * Sentinel may be out of date, and asks the others if the Sentinel does not reply.
 */
export function sentinelConnector(): new (options: unknown) => SentinelConnector {
  let sentinels: SentinelIterator | undefined;
  return class extends SentinelConnector {
    constructor(options: unknown) {
      super(options as SentinelConnectionOptions);
      sentinels ??= this.sentinelIterator;
      this.sentinelIterator = sentinels;
    }

    override connect(...args: Parameters<SentinelConnector["connect"]>) {
      // `reset(true)` moves the item before the cursor to the front.
      this.sentinelIterator.next();
      this.sentinelIterator.reset(true);
      return super.connect(...args);
    }
  };
}
