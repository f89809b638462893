import type { Redis } from "ioredis";
import { type AnyConnectionOptions, fixedOptions } from "./server-options.ts";

/**
 * Makes one connection with the options given, which are merged over the maker's own: it must connect to nothing yet,
 * and be a new one each time. Whoever asked for it closes it.
 */
export type RedisFactory = (options: AnyConnectionOptions) => Redis;

/** The instances that factories have returned: a connection cannot have two owners. */
const taken = new WeakSet<Redis>();

/** A factory that throws a `TypeError` if `factory` returns anything but a new, unconnected instance. */
export function checkedFactory(factory: RedisFactory): RedisFactory {
  return (options) => {
    const redis: unknown = factory(options);
    const fault = faultOf(redis);
    if (fault !== undefined || !isRedis(redis)) {
      throw new TypeError(
        "client(options) has to return a new instance of ioredis' Redis, made with those options, that connects to " +
          `nothing yet; ${fault}.`,
      );
    }
    taken.add(redis);
    return redis;
  };
}

/** Whichever copy of ioredis it comes from. */
export function isRedis(value: unknown): value is Redis {
  const { duplicate, options } = (value ?? {}) as Partial<Redis>;
  return typeof duplicate === "function" && typeof options === "object" && !isCluster(value);
}

export function isCluster(value: unknown): boolean {
  return ((value ?? {}) as Partial<Redis>).isCluster === true;
}

function faultOf(made: unknown): string | undefined {
  if (made instanceof Promise) {
    made.catch(() => {});
    return "it returned a promise";
  }
  if (isCluster(made))
    return 'it returned a Cluster, for which there is { cluster: [{ host: "one", port: 6379 }] }';
  if (!isRedis(made)) return `it returned ${made === null ? "null" : `a value of type ${typeof made}`}`;
  if (taken.has(made)) return "it returned one for the second time";
  if (made.status !== "wait") {
    // It was only just made, so nothing else uses it.
    if (made.status === "connecting") made.on("error", () => {}).disconnect();
    return `it returned one whose status is "${made.status}": the options say lazyConnect`;
  }
  const options: Record<string, unknown> = { ...made.options };
  const other = Object.entries(fixedOptions).filter(([name, value]) => options[name] !== value);
  if (other.length > 0) return `it returned one with another ${other.map(([name]) => name).join(", ")}`;
  return undefined;
}
