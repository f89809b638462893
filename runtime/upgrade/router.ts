import { match, pathToRegexp } from "path-to-regexp";
import type { ConsumerClass } from "../consumer-settings.ts";
import { RouteError } from "../errors.ts";
import type { PlainAnswer, Refusal } from "../http-response.ts";
import type { Guard } from "./guards.ts";

/** Says why a path parameter is not acceptable, or nothing if it is. */
export type ParamCheck = (value: string) => string | undefined;

export interface Route {
  readonly pattern: string;
  readonly Consumer: ConsumerClass;
  readonly checks: Readonly<Record<string, ParamCheck | undefined>>;
  /** Asked after those of the runtime. */
  readonly guards: readonly Guard[];
  /** What a plain request is answered with that is let in. */
  readonly answer: PlainAnswer;
}

export interface RouteMatch {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

type Matcher = (path: string) => { readonly params: Record<string, string> } | false;

// Text, or one parameter, between two slashes: what the types of `route` understand.
const legalPattern = /^(?:\/(?::[A-Za-z_]\w*|[\w.~%!$&'@=;,-]*))+$/;

/** Finds the route for a path. Patterns are case-sensitive; the first that matches, in the order added, is taken. */
export class Router {
  readonly #routes: { readonly route: Route; readonly shape: string; readonly matches: Matcher }[] = [];

  /** @throws {RouteError} if the pattern is malformed or taken, or lacks a parameter that there is a check for. */
  add(route: Route): void {
    const { pattern, checks } = route;
    if (!legalPattern.test(pattern)) {
      throw new RouteError(
        `"${pattern}" is no pattern for a route: each part is text, or a parameter with its colon. ` +
          'Write it like "/ws/room/:room_name".',
      );
    }
    const names = pathToRegexp(pattern).keys.map(({ name }) => name);
    const stray = Object.keys(checks).find((name) => !names.includes(name));
    if (stray !== undefined) {
      throw new RouteError(`There is a check for ":${stray}", which the pattern "${pattern}" does not have.`);
    }
    const shape = pattern.replace(/:\w+/g, ":");
    const taken = this.#routes.find((other) => other.shape === shape);
    if (taken) {
      throw new RouteError(
        `"${pattern}" matches the same paths as "${taken.route.pattern}", which is routed.`,
      );
    }
    const matches = match<Record<string, string>>(pattern, {
      sensitive: true,
      trailing: false,
      decode: false,
    });
    this.#routes.push({ route, shape, matches });
  }

  /** In the order added. */
  get routes(): readonly Route[] {
    return this.#routes.map(({ route }) => route);
  }

  has(path: string): boolean {
    return this.#routes.some(({ matches }) => matches(path));
  }

  /**
   * The route and its decoded parameters, or why not: 404 for an unknown path, 400 for a parameter that is malformed
   * or not accepted. @throws what a check throws.
   */
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

/** What is said of a path without a route. */
export const notFound: Refusal = { status: 404, reason: "There is nothing at this path" };

const malformed: Refusal = { status: 400, reason: "The path has a malformed escape sequence" };

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
    return { status: 400, reason: `The path parameter "${name}" is not accepted. ${reason}` };
  }
  return { route, params };
}
