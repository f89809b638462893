import { hostname } from "node:os";
import { checkInteger } from "../layers/check-integer.ts";
import { GreenroomError } from "../layers/errors.ts";
import type { ConsumerClass } from "../runtime/consumer-settings.ts";
import { type AnyGuard, originGuard } from "../runtime/guards/guards.ts";
import { hiddenConsumer, type Internals, internals } from "../runtime/internals.ts";
import { version } from "../version.ts";
import { AccessToken } from "./access-token.ts";
import { Failures } from "./activity/failures.ts";
import { InspectorSession } from "./inspector-session.ts";
import { pageConsumer } from "./page-consumer.ts";
import { pageFiles } from "./page-files.ts";

/** Options of {@link inspector}. */
export interface InspectorOptions {
  /**
   * The URL path of the page and of its WebSocket, such as `/inspect`. A path with parameters is refused.
   * The page's scripts and styles are served below this path.
   */
  readonly path: string;
  /**
   * Guards of the page and its socket, called in order after the guards of the runtime. The page shows names,
   * paths, groups, tags and errors of all connections. The page's scripts and styles are not guarded, because
   * they contain no data. Upgrades from pages of other sites are always refused.
   * @default [], with a `token`
   */
  readonly guards?: readonly AnyGuard[];
  /**
   * The token that opens the page, the page's socket and the page's files, in the query of the returned
   * address. A browser keeps it as a cookie. Set the token if several processes share one address, or if the
   * address must survive a restart of the process. Use at least 128 random bits. With `guards`, requests must
   * pass the guards and have the token.
   * @default 256 random bits. With `guards`, the option has no default, and no token is needed.
   */
  readonly token?: string | undefined;
  /** Additional origins that may open the socket, for example if a proxy changes `Host`. @default [] */
  readonly origins?: readonly string[];
  /** Whether the page may show the content of frames and messages of an opened actor. @default false */
  readonly payloads?: boolean;
  /** Milliseconds between updates of the page, an integer from 10 to 5,000. @default 500 */
  readonly tickMs?: number;
}

/** `inspector` was called with an empty token, with an unsuitable or taken path, or a second time. */
export class InspectorError extends GreenroomError {
  constructor(message: string) {
    super("ERR_INSPECTOR", message);
  }
}

/** A runtime with any layers. */
interface InspectedRuntime {
  /** @internal */
  readonly [internals]: Internals;
  close(): Promise<void>;
}

/**
 * Serves a page that shows a runtime live. The page is available on every server that the runtime is attached
 * to, and through `handleRequest`. The page shows each consumer's state machine, with the number of actors in
 * each state and the transitions taken. It also shows a list of actors, the history of one actor, layers,
 * failures, and metrics of the node. The page loads nothing from other servers.
 *
 * While no page is open, the inspector keeps only the last 20 failures. While a page is open, the inspector
 * counts all events. Per second, it records at most 2,000 events, plus 200 for each opened actor.
 *
 * @returns the path and the query that open the page, such as `/inspect?token=…`. Keep this address secret.
 *   The token is new in each process, unless the options contain a token. With `guards` and without a token,
 *   the address is the path.
 * @throws {InspectorError} (`ERR_INSPECTOR`) if `token` is empty or not a string, if the path has a parameter,
 *   a semicolon or a slash at its end, or has a route, or if the runtime already has an inspector. An
 *   inspector cannot be removed or replaced, so mount it where the runtime is created.
 * @throws {RouteError} if the path is malformed.
 * @throws {InvalidOptionError} if `tickMs` is out of range.
 * @throws {TypeError} if an entry of `origins` is not an origin.
 *
 * @example
 * ```ts
 * const address = inspector(runtime, { path: "/inspect" });
 * console.log(`Inspector: http://localhost:8080${address}`);
 * ```
 * @example
 * ```ts
 * inspector(runtime, {
 *   path: "/inspect",
 *   guards: [({ user }) => ((user as User).isAdmin ? undefined : { status: 403, reason: "For administrators" })],
 * });
 * ```
 */
export function inspector(
  runtime: InspectedRuntime,
  { path, guards = [], token, origins = [], payloads = false, tickMs = 500 }: InspectorOptions,
): string {
  const parts = runtime[internals];
  const { router, files } = parts;
  const { inspection } = parts.context;
  // A cookie's path cannot contain a semicolon.
  if (/[:;]|\/$/.test(path)) {
    throw new InspectorError(
      `The inspector cannot be mounted at "${path}": use a path without parameters, such as "/inspect".`,
    );
  }
  if (token !== undefined && (typeof token !== "string" || token === "")) {
    throw new InspectorError(
      "The inspector's `token` is empty or not a string: pass a random text, or leave the option out.",
    );
  }
  checkInteger("tickMs", tickMs, { min: 10, max: 5_000 });
  if (inspection.onFailure !== undefined)
    throw new InspectorError(
      "This runtime already has an inspector: mount it once, where the runtime is created.",
    );
  const taken = router.routeOf(path);
  if (taken !== undefined) {
    throw new InspectorError(
      `The inspector cannot be mounted at "${path}", which the route "${taken.pattern}" serves: choose another path.`,
    );
  }

  const failures = new Failures();
  const isHidden = (Consumer: ConsumerClass) => Consumer === PageConsumer || hiddenConsumer in Consumer;
  const session = new InspectorSession(parts, { failures, isHidden, tickMs });
  const PageConsumer = pageConsumer(session, {
    greenroom: version,
    node: `${hostname()}:${process.pid}`,
    nodeVersion: process.version,
    startedAt: performance.timeOrigin,
    tickMs,
    payloads,
  });
  const { page, assets } = pageFiles(path);
  const access = guards.length > 0 && token === undefined ? undefined : new AccessToken(path, token);
  router.add({
    pattern: path,
    Consumer: PageConsumer,
    checks: {},
    guards: [originGuard({ allow: origins }), ...(access ? [access.guard] : []), ...guards],
    answer: access?.signIn(page) ?? page,
    isPermanent: true,
  });
  for (const [name, answer] of assets) files.set(`${path}/${name}`, access?.protect(answer) ?? answer);
  inspection.onFailure = (...failure) => session.recordFailure(failures.add(...failure));
  return access?.address ?? path;
}
