import { match, pathToRegexp } from "path-to-regexp";
import type { Contract } from "../../contract/index.ts";
import { textOf } from "../../layers/errors.ts";
import { maxNamePart, namePartPattern } from "../../layers/names.ts";
import { isPromise } from "../async-error-owner.ts";
import type { ConsumerClass } from "../consumer-settings.ts";
import { RouteError } from "../errors.ts";
import type { AnyGuard } from "../guards/guards.ts";
import type { PlainAnswer, Refusal } from "../http-response.ts";
import { checkParams } from "./contract-params.ts";
import type { ParamCheck } from "./route-types.ts";

/**
 * Checks a path parameter for use in a group's name: `{ params: { room_name: groupName } }`. Accepts 1 to 90
 * ASCII letters, digits, `-`, `_` and `.`, so 9 of a name's 99 characters remain for a prefix like `room_`.
 * For any other text, {@link safeGroupName} makes a name.
 */
export function groupName(value: string): string | undefined {
  if (value.length > maxNamePart) return `It has ${value.length} characters; the limit is ${maxNamePart}`;
  if (namePartPattern.test(value)) return undefined;
  return "It may hold the letters A–Z and a–z, digits, '-', '_' and '.', and nothing else";
}

export interface Route {
  readonly pattern: string;
  readonly Consumer: ConsumerClass;
  readonly checks: Readonly<Record<string, ParamCheck | undefined>>;
  readonly guards: readonly AnyGuard[];
  /** Answers a plain HTTP request that the guards admit. */
  readonly answer: PlainAnswer;
  /** Whether {@link Router.replaceAll} keeps the route. */
  readonly isPermanent?: boolean;
}

export interface RouteMatch {
  readonly route: Route;
  /** The decoded parameters; with a contract, what its schema gives. */
  readonly params: Readonly<Record<string, string>>;
}

type Matcher = (path: string) => { readonly params: Record<string, string> } | false;

export const notFound: Refusal = { status: 404, reason: "There is nothing at this path", cause: "route" };

const malformed: Refusal = {
  status: 400,
  reason: "The path has a malformed escape sequence",
  cause: "route",
};

// Each segment is text or one parameter, because `NamesIn` can parse only such segments.
const legalPattern = /^(?:\/(?::[A-Za-z_]\w*|[\w.~%$&'@=;,-]*))+$/;

/** Finds the route of a path. The first added route that matches is chosen. Patterns are case-sensitive. */
export class Router {
  #routes: { readonly route: Route; readonly shape: string; readonly matches: Matcher }[] = [];

  /**
   * Adds a route, or puts it in the place of the route that matches the same paths.
   * @throws {RouteError} if the pattern is malformed, lacks a parameter that has a check, or is taken and
   *   `replace` is false.
   */
  add(route: Route, replace = false): void {
    const { pattern, checks } = route;
    if (!legalPattern.test(pattern)) {
      throw new RouteError(
        `"${pattern}" is not a pattern for a route: each segment is text, or a parameter with a colon, ` +
          'as in "/ws/room/:room_name".',
      );
    }
    const names = pathToRegexp(pattern).keys.map(({ name }) => name);
    const unknown = Object.keys(checks).find((name) => !names.includes(name));
    if (unknown !== undefined) {
      throw new RouteError(
        `There is a check for ":${unknown}", but the pattern "${pattern}" has no such parameter.`,
      );
    }
    const index = this.#indexOf(pattern);
    const taken = this.#routes[index];
    if (taken && !replace) {
      throw new RouteError(
        `"${pattern}" matches the same paths as "${taken.route.pattern}", which already has a route: pass ` +
          "{ replace: true } to replace that route.",
      );
    }
    const options = { sensitive: true, trailing: false, decode: false } as const;
    const matches = match<Record<string, string>>(pattern, options);
    this.#routes[taken ? index : this.#routes.length] = { route, shape: shapeOf(pattern), matches };
  }

  /** Removes the route that matches the same paths as `pattern`. Returns whether there was one. */
  remove(pattern: string): boolean {
    const index = this.#indexOf(pattern);
    if (index >= 0) this.#routes.splice(index, 1);
    return index >= 0;
  }

  /**
   * Replaces all routes, except for permanent ones, by those that `define` adds. If `define` throws, the earlier
   * routes stay.
   * @throws {RouteError} if `define` returns a promise.
   */
  replaceAll(define: () => unknown): void {
    const earlier = this.#routes;
    this.#routes = earlier.filter(({ route }) => route.isPermanent);
    try {
      const defined = define();
      if (isPromise(defined)) {
        // The error below replaces that of the promise.
        defined.then(undefined, () => {});
        throw new RouteError("A function that defines routes must add them before it returns: it was async.");
      }
    } catch (error) {
      this.#routes = earlier;
      throw error;
    }
  }

  #indexOf(pattern: string): number {
    const shape = shapeOf(pattern);
    return this.#routes.findIndex((other) => other.shape === shape);
  }

  get routes(): readonly Route[] {
    return this.#routes.map(({ route }) => route);
  }

  has(path: string): boolean {
    return this.routeOf(path) !== undefined;
  }

  routeOf(path: string): Route | undefined {
    return this.#routes.find(({ matches }) => matches(path))?.route;
  }

  /** Refuses an unknown path with 404, and an unaccepted parameter with 400. Throws if a check throws. */
  find(path: string): RouteMatch | Refusal {
    for (const { route, matches } of this.#routes) {
      const found = matches(path);
      if (!found) continue;
      const params = decode(found.params);
      return params ? check(route, params) : malformed;
    }
    return notFound;
  }
}

/** The pattern without the names of its parameters. Patterns with the same shape match the same paths. */
const shapeOf = (pattern: string): string => pattern.replace(/:\w+/g, ":");

function decode(params: Record<string, string>): Record<string, string> | undefined {
  try {
    return Object.fromEntries(
      Object.entries(params).map(([name, value]) => [name, decodeURIComponent(value)]),
    );
  } catch {
    return undefined;
  }
}

function check(route: Route, params: Record<string, string>): RouteMatch | Refusal {
  for (const [name, checkParam] of Object.entries(route.checks)) {
    const reason = checkParam?.(params[name] ?? "");
    if (reason === undefined) continue;
    // In untyped code, a check may be an async function.
    if (typeof reason !== "string") {
      throw new TypeError(
        `The check of ":${name}" in "${route.pattern}" must return undefined or a reason, not ${textOf(reason)}.`,
      );
    }
    return { status: 400, reason: `The path parameter "${name}" is not accepted. ${reason}` };
  }
  const { contract } = route.Consumer;
  return contract === undefined ? { route, params } : matchWith(route, contract, params);
}

function matchWith(route: Route, contract: Contract, params: Record<string, string>): RouteMatch | Refusal {
  const checked = checkParams(contract, params);
  return "refusal" in checked
    ? { status: 400, reason: checked.refusal, cause: "route" }
    : { route, params: checked.params };
}
