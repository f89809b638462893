import { createRequire } from "node:module";
import { hostname } from "node:os";
import { GreenroomError } from "../layers/errors.ts";
import { type Internals, internals } from "../runtime/internals.ts";
import { type Guard, originGuard } from "../runtime/upgrade/guards.ts";
import { Failures } from "./activity/failures.ts";
import { InspectorSession } from "./inspector-session.ts";
import { ownMachineGuard } from "./localhost-guard.ts";
import { pageConsumer } from "./page-consumer.ts";
import { readPageFiles } from "./page-files.ts";

export interface InspectorOptions {
  /** Where the page is, such as `/inspect`: a path without parameters. Its socket is there, too, and its files are below it. */
  readonly path: string;
  /**
   * Who may look, asked in order after the guards of the runtime, for the page and for its socket; pages of other sites are
   * refused in any case. The page shows names, paths, groups, tags and errors of all connections. Its scripts and styles are
   * the same for everybody, and are not guarded.
   * @default [ownMachineGuard], see {@link ownMachineGuard}; in production there is no default
   */
  readonly guards?: readonly Guard[];
  /** Origins whose pages may open the socket, besides the server's own: where a proxy changes `Host`, say. @default [] */
  readonly origins?: readonly string[];
  /** Whether who looks may ask to see what is in frames and messages, of the actor that is opened. @default false */
  readonly payloads?: boolean;
  /** How often the page is told what is new, in milliseconds, 10 to 5,000. @default 500 */
  readonly tickMs?: number;
}

/** The inspector cannot be mounted: nobody says who may look at it, or it is there already. */
export class InspectorError extends GreenroomError {
  constructor(message: string) {
    super("ERR_INSPECTOR", message);
  }
}

const { version } = createRequire(import.meta.url)("greenroom/package.json") as { readonly version: string };

/** A runtime, whatever its layers are. */
interface InspectedRuntime {
  /** @internal */
  readonly [internals]: Internals;
}

/**
 * Serves a page that shows what a runtime does, live, wherever the runtime answers: on the servers that it is attached to, and
 * where `handleRequest` is called. It shows each consumer's state machine with how many actors are in each state and which
 * ways they take, the actors, and what one of them does; layers, failures, and figures of the node. The page asks no other server.
 *
 * While nobody looks it costs nothing, but that the last 20 failures are kept. While somebody does, all events are counted and
 * samples are recorded: at most 2,000 a second, and 200 a second of an actor that is opened.
 *
 * @throws {InspectorError} (`ERR_INSPECTOR`) in production, where `NODE_ENV` is `production`, if no guards are given; for a path
 *   with a parameter; and if the runtime has an inspector.
 * @throws {RouteError} if the path is malformed, or taken.
 * @throws {RangeError} if `tickMs` makes no sense.
 * @throws {TypeError} if `origins` holds something that is no origin.
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
  const inside = runtime[internals];
  const { context, router, files } = inside;
  const { inspection } = context;
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
  if (!(tickMs >= 10 && tickMs <= 5_000)) {
    throw new RangeError(`tickMs is ${tickMs}; it must be a number of milliseconds from 10 to 5000.`);
  }
  if (inspection.onFailure !== undefined) throw new InspectorError("This runtime has an inspector already.");

  const failures = new Failures();
  const session = new InspectorSession(inside, {
    failures,
    isHidden: (Consumer) => Consumer === PageConsumer,
    tickMs,
  });
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
  inspection.onFailure = (...failure) => session.failed(failures.add(...failure));
}
