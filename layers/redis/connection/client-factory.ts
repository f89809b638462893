import type { Redis } from "ioredis";
import { textOf } from "../../errors.ts";
import { CallbackFailedError, CallbackResultError } from "./callback-errors.ts";
import { type AnyConnectionOptions, fixedOptions } from "./server-options.ts";

/**
 * Creates the Redis client of one attempt to connect. Called at each attempt, so the function can use the
 * current password. `options` must take precedence over the function's own options. The client must be new
 * and must not connect yet. The layer closes the client. An exception fails the attempt.
 */
export type RedisFactory = (options: AnyConnectionOptions) => Redis;

/** The instances that factories have returned. A factory must not return the same instance twice. */
const taken = new WeakSet<Redis>();

/**
 * Wraps `factory`. The wrapper throws a {@link CallbackResultError} unless `factory` returns a new,
 * unconnected instance.
 */
export function checkedFactory(factory: RedisFactory): RedisFactory {
  return (options) => {
    const redis = call(factory, options);
    const fault = faultOf(redis);
    if (fault !== undefined || !isRedis(redis)) {
      throw new CallbackResultError(
        "client(options) must return a new, unconnected instance of ioredis' Redis, created with those options; " +
          `it returned ${fault}.`,
      );
    }
    taken.add(redis);
    return redis;
  };
}

function call(factory: RedisFactory, options: AnyConnectionOptions): unknown {
  try {
    return factory(options);
  } catch (error) {
    throw new CallbackFailedError(`client(options) failed: ${textOf(error)}`);
  }
}

/** Does not use `instanceof`, because the user may have another copy of ioredis. */
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
    return "a promise";
  }
  if (isCluster(made)) return 'a Cluster: use { cluster: [{ host: "one", port: 6379 }] } instead';
  if (!isRedis(made)) return made === null ? "null" : `a value of type ${typeof made}`;
  if (taken.has(made)) return "the same instance for the second time";
  if (made.status !== "wait") {
    // The instance is new, so disconnecting it does not affect other code.
    if (made.status === "connecting") made.on("error", () => {}).disconnect();
    return `an instance whose status is "${made.status}": keep the option lazyConnect`;
  }
  const options: Record<string, unknown> = { ...made.options };
  const other = Object.entries(fixedOptions).filter(([name, value]) => options[name] !== value);
  if (other.length > 0) return `an instance with another value of ${other.map(([name]) => name).join(", ")}`;
  return undefined;
}
