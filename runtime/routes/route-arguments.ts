import type { ConsumerClass } from "../consumer-settings.ts";
import { RouteError } from "../errors.ts";
import type { RouteOptions } from "./route-types.ts";

interface RouteArguments {
  /** Undefined if the path comes from a contract. */
  readonly pattern: string | undefined;
  readonly Consumer: ConsumerClass;
  readonly options: RouteOptions<string, unknown>;
}

/** Names the arguments of {@link Runtime.route}, which may begin with a pattern. */
export function routeArguments([first, ...rest]: readonly unknown[]): RouteArguments {
  const [pattern, Consumer, options = {}] =
    typeof first === "string" ? [first, ...rest] : [undefined, first, ...rest];
  return { pattern, Consumer, options } as RouteArguments;
}

/** @throws {RouteError} if the consumer has a contract and `pattern` is given, or has none and `pattern` is not. */
export function patternOf({ name, contract }: ConsumerClass, pattern: string | undefined): string {
  if (contract !== undefined && pattern === undefined) return contract.path;
  if (contract === undefined && pattern !== undefined) return pattern;
  throw new RouteError(
    contract === undefined
      ? `${name} has no contract, so its route needs a path: route("/ws/…", ${name}).`
      : `The path of ${name} comes from its contract: call route(${name}) without a path.`,
  );
}
