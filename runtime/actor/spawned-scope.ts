import type { Scope } from "../../actors/index.ts";

/** The parts of a scope that a caller gives. */
export type GivenScope = Partial<Pick<Scope, "path" | "params" | "query" | "user">>;

const none = Object.freeze({});
/** The cookies of a request without any. Like those of other requests, they inherit no names from a prototype. */
export const noCookies: Scope["cookies"] = Object.freeze(Object.create(null));
const noSubprotocols: readonly string[] = Object.freeze([]);

/** The scope of an actor without a request. */
export class SpawnedScope implements Scope {
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly headers = none;
  readonly cookies = noCookies;
  readonly subprotocols = noSubprotocols;
  readonly clientAddress = undefined;
  readonly token = undefined;
  readonly user: unknown;
  #query: URLSearchParams | undefined;

  constructor({ path = "", params = none, query, user }: GivenScope) {
    this.path = path;
    this.params = params;
    this.user = user;
    this.#query = query;
  }

  // Created on demand, because a `URLSearchParams` object is large, and the query is rarely read.
  get query(): URLSearchParams {
    this.#query ??= new URLSearchParams();
    return this.#query;
  }
}
