import { match, pathToRegexp } from "path-to-regexp";
import type { ConsumerClass } from "./consumer-class.ts";
import { RouteError } from "./errors.ts";
import type { Refusal } from "./http-answer.ts";

/** Says why a path parameter is not acceptable, or nothing if it is. */
export type ParamCheck = (value: string) => string | undefined;

export interface Route {
  readonly pattern: string;
  readonly Consumer: ConsumerClass;
  readonly checks: Readonly<Record<string, ParamCheck | undefined>>;
}

export interface RouteMatch {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

type Matcher = (path: string) => { readonly params: Record<string, string> } | false;

/** Finds the route for a path. Patterns are case-sensitive; the first that matches, in the order added, is taken. */
export class Router {
  readonly #routes: { readonly route: Route; readonly matches: Matcher }[] = [];

  /** @throws {RouteError} if the pattern is malformed or taken, or lacks a parameter that there is a check for. */
  add(route: Route): void {
    const { pattern, checks } = route;
    const names = parameterNames(pattern);
    const stray = Object.keys(checks).find((name) => !names.includes(name));
    if (stray !== undefined) {
      throw new RouteError(`There is a check for ":${stray}", which the pattern "${pattern}" does not have.`);
    }
    if (this.#routes.some((other) => other.route.pattern === pattern)) {
      throw new RouteError(`The pattern "${pattern}" is routed already.`);
    }
    this.#routes.push({
      route,
      matches: match<Record<string, string>>(pattern, { sensitive: true, trailing: false }),
    });
  }

  /** The route and its decoded parameters, or why not: 404 for an unknown path, 400 for a malformed parameter. */
  find(path: string): RouteMatch | Refusal {
    for (const { route, matches } of this.#routes) {
      try {
        const found = matches(path);
        if (found) return check(route, found.params);
      } catch {
        return { status: 400, reason: "The path has a malformed escape sequence" };
      }
    }
    return { status: 404, reason: "There is nothing at this path" };
  }
}

function check(route: Route, params: Record<string, string>): RouteMatch | Refusal {
  for (const [name, checkParam] of Object.entries(route.checks)) {
    const reason = checkParam?.(params[name] ?? "");
    if (reason !== undefined)
      return { status: 400, reason: `The path parameter "${name}" is not accepted. ${reason}` };
  }
  return { route, params };
}

function parameterNames(pattern: string): string[] {
  try {
    const { keys } = pathToRegexp(pattern);
    const wildcard = keys.find((key) => key.type === "wildcard");
    if (wildcard) throw new Error(`it has a wildcard, "*${wildcard.name}"; name each part with a colon`);
    return keys.map((key) => key.name);
  } catch (cause) {
    const why = (cause as Error).message;
    throw new RouteError(
      `"${pattern}" is no pattern for a route: ${why}. Write it like "/ws/room/:room_name".`,
      { cause },
    );
  }
}
