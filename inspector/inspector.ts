import { createRequire } from "node:module";
import { hostname } from "node:os";
import { checkInteger } from "../layers/check-integer.ts";
import { GreenroomError } from "../layers/errors.ts";
import type { ConsumerClass } from "../runtime/consumer-settings.ts";
import { type Internals, internals } from "../runtime/internals.ts";
import { type Guard, originGuard } from "../runtime/upgrade/guards.ts";
import { Failures } from "./activity/failures.ts";
import { InspectorSession } from "./inspector-session.ts";
import { ownMachineGuard } from "./localhost-guard.ts";
import { pageConsumer } from "./page-consumer.ts";
import { readPageFiles } from "./page-files.ts";

/** Options of {@link inspector}. */
export interface InspectorOptions {
  /** The path of the page and its socket, such as `/inspect`, without parameters. Its files are below. */
  readonly path: string;
  /**
   * Checks of who may see the page and open its socket, asked in order after the guards of the runtime; pages
   * of other sites are refused in any case. The page shows names, paths, groups, tags and errors of all
   * connections. Its scripts and styles are the same for everybody, and are not guarded.
   * @default [ownMachineGuard], see {@link ownMachineGuard}; in production there is no default
   */
  readonly guards?: readonly Guard[];
  /** Further origins whose pages may open the socket, for example if a proxy changes `Host`. @default [] */
  readonly origins?: readonly string[];
  /** Whether the page may show payloads of frames and messages, of the open actor. @default false */
  readonly payloads?: boolean;
  /** Milliseconds between two updates of the page, an integer from 10 to 5,000. @default 500 */
  readonly tickMs?: number;
}

/** The inspector cannot be mounted: no guards, a path with a parameter, or a second inspector. */
export class InspectorError extends GreenroomError {
  constructor(message: string) {
    super("ERR_INSPECTOR", message);
  }
}

const { version } = createRequire(import.meta.url)("greenroom/package.json") as { readonly version: string };

/** A runtime with layers of any type. */
interface InspectedRuntime {
  /** @internal */
  readonly [internals]: Internals;
}

/**
 * Serves a page that shows live what a runtime does, on every server that the runtime is attached to, and
 * through `handleRequest`. It shows each consumer's state machine with the number of actors in each state and
 * the transitions that they take, the actors, and the history of one of them; layers, failures, and figures
 * of the node. The page loads nothing from any other server.
 *
 * While no page is open, the inspector only keeps the last 20 failures. While a page is open, it counts all
 * events and records samples: at most 2,000 per second, and 200 per second of an actor that is open.
 *
 * @throws {InspectorError} (`ERR_INSPECTOR`) without guards in production (`NODE_ENV=production`), for a path with
 *   a parameter, and if the runtime has an inspector.
 * @throws {RouteError} if the path is malformed, or taken.
 * @throws {InvalidOptionError} if `tickMs` is out of range.
 * @throws {TypeError} if `origins` holds something that is not an origin.
 *
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
  { path, guards = [], origins = [], payloads = false, tickMs = 500 }: InspectorOptions,
): void {
  const parts = runtime[internals];
  const { router, files } = parts;
  const { inspection } = parts.context;
  if (guards.length === 0 && process.env.NODE_ENV === "production") {
    throw new InspectorError(
      "In production the inspector needs guards, which say who may look: " +
        "inspector(runtime, { path, guards: [({ user }) => …] }).",
    );
  }
  if (path.includes(":") || path.endsWith("/")) {
    throw new InspectorError(
      `"${path}" is no place for the inspector: write a path without parameters, such as "/inspect".`,
    );
  }
  checkInteger("tickMs", tickMs, { min: 10, max: 5_000 });
  if (inspection.onFailure !== undefined) throw new InspectorError("This runtime has an inspector already.");

  const failures = new Failures();
  const isHidden = (Consumer: ConsumerClass) => Consumer === PageConsumer;
  const session = new InspectorSession(parts, { failures, isHidden, tickMs });
  const PageConsumer = pageConsumer(session, {
    greenroom: version,
    node: `${hostname()}:${process.pid}`,
    nodeVersion: process.version,
    startedAt: performance.timeOrigin,
    tickMs,
    payloads,
  });
  const { page, others } = readPageFiles(path);
  router.add({
    pattern: path,
    Consumer: PageConsumer,
    checks: {},
    guards: [originGuard({ allow: origins }), ...(guards.length > 0 ? guards : [ownMachineGuard])],
    answer: page,
  });
  for (const [name, answer] of others) files.set(`${path}/${name}`, answer);
  inspection.onFailure = (...failure) => session.recordFailure(failures.add(...failure));
}
