import { createHash } from "node:crypto";
import { WebSocketConsumer } from "../actors/index.ts";
import type { Schema } from "../contract/index.ts";
import type { AnyGuard } from "../runtime/guards/guards.ts";
import type { PlainAnswer } from "../runtime/http-response.ts";
import { hiddenConsumer, type Internals, internals } from "../runtime/internals.ts";
import { type AsyncApiOptions, documentOf } from "./async-api.ts";
import { AsyncApiError } from "./async-api-error.ts";
import { jsonSchemaOf } from "./json-schema-of.ts";
import { pageOf } from "./page.ts";
import { pageStyle } from "./page-style.ts";

/** Options of {@link serveAsyncApi}. */
export interface AsyncApiPageOptions extends AsyncApiOptions {
  /** The URL path of the page, such as `/asyncapi`. The document has the same path with `.json` at the end. */
  readonly path: string;
  /**
   * Guards of the page and the document, called in order after the guards of the runtime. Both tell all paths,
   * frames and fields, also those of routes that have guards.
   * @default []
   */
  readonly guards?: readonly AnyGuard[];
}

/** A runtime with any layers. */
interface DescribedRuntime {
  /** @internal */
  readonly [internals]: Internals;
}

/**
 * Serves a document of AsyncAPI 3.1 that describes the routes with a contract, and a page that shows it. Both are
 * made when they are requested, so they also describe routes that are added later. The page has no scripts, and
 * loads nothing.
 *
 * Every client that the guards of the runtime admit can read both: pass `guards` if the API is not public. A
 * schema that cannot be written as JSON Schema is described by a note. `npx greenroom asyncapi` finds such schemas.
 *
 * @throws {AsyncApiError} (`ERR_ASYNC_API`) if the path has a parameter or a slash at its end, or if the page or
 *   the document would have the path of a route.
 * @throws {RouteError} if the path is malformed.
 *
 * @example
 * ```ts
 * serveAsyncApi(runtime, { path: "/asyncapi", title: "Chat", version: "1.0.0" });
 * ```
 */
export function serveAsyncApi(
  runtime: DescribedRuntime,
  { path, guards = [], ...options }: AsyncApiPageOptions,
): void {
  const { router, context } = runtime[internals];
  const documentPath = `${path}.json`;
  if (/:|\/$/.test(path)) {
    throw new AsyncApiError(
      `The API cannot be described at "${path}": use a path without parameters, such as "/asyncapi".`,
    );
  }
  for (const wanted of [path, documentPath]) {
    const taken = router.routeOf(wanted);
    if (taken === undefined) continue;
    throw new AsyncApiError(
      `The API cannot be described at "${wanted}", which the route "${taken.pattern}" serves: choose another path.`,
    );
  }
  // The address is relative to that of the page, because a proxy may add a prefix to the path.
  const link = documentPath.slice(documentPath.lastIndexOf("/") + 1);
  const texts = once(
    () => router.routes.map(({ Consumer }) => Consumer),
    (consumers) => {
      const described = consumers.filter(({ contract }) => contract !== undefined);
      const document = documentOf(described, options, schemaOrNote);
      return { document: JSON.stringify(document, undefined, 2), page: pageOf(document, link) };
    },
    (error) => context.report(error, { stage: "asyncapi", path }),
  );
  const add = (pattern: string, type: string, text: () => string | undefined) => {
    const answer = answerWith(type, text);
    router.add({ pattern, Consumer: DescriptionOnly, checks: {}, guards, answer });
  };
  add(path, "text/html; charset=utf-8", () => texts()?.page);
  add(documentPath, "application/json", () => texts()?.document);
}

/** Refuses upgrades, because the path has a page only. */
class DescriptionOnly extends WebSocketConsumer {
  static readonly [hiddenConsumer] = true;

  override connect(): void {
    this.reject(400, "This path has a page, and takes no WebSocket connections");
  }
}

/** Describes a schema that cannot be written as JSON Schema by a note, so that the rest can still be read. */
function schemaOrNote(schema: Schema, what: string) {
  try {
    return jsonSchemaOf(schema, what);
  } catch (error) {
    if (!(error instanceof AsyncApiError)) throw error;
    return { description: "The schema of this part cannot be written as JSON Schema." };
  }
}

/**
 * Calls `make` again only if one of the inputs has changed, because a client can request the page any number of
 * times. The result is undefined if `make` throws.
 */
function once<I, T>(
  read: () => readonly I[],
  make: (inputs: readonly I[]) => T,
  onError: (error: unknown) => void,
): () => T | undefined {
  let last: { readonly inputs: readonly I[]; readonly made: T | undefined } | undefined;
  const attempt = (inputs: readonly I[]): T | undefined => {
    try {
      return make(inputs);
    } catch (error) {
      onError(error);
      return undefined;
    }
  };
  return () => {
    const inputs = read();
    const isSame = last?.inputs.length === inputs.length && last.inputs.every((one, i) => one === inputs[i]);
    if (last === undefined || !isSame) last = { inputs, made: attempt(inputs) };
    return last.made;
  };
}

/** The page contains its stylesheet, and loads nothing. Other pages cannot show it in a frame. */
const headers = {
  "Content-Security-Policy": `default-src 'none'; style-src 'sha256-${createHash("sha256").update(pageStyle.text).digest("base64")}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cache-Control": "no-cache",
};

function answerWith(type: string, text: () => string | undefined): PlainAnswer {
  return (request, response, cors = {}) => {
    const common = { ...cors, ...headers };
    const refuse = (status: number, reason: string, more = {}) => {
      const contentType = "text/plain; charset=utf-8";
      response.writeHead(status, { ...common, ...more, "Content-Type": contentType }).end(`${reason}\n`);
    };
    if (request.method !== "GET" && request.method !== "HEAD") {
      refuse(405, "Method not allowed: use GET", { Allow: "GET, HEAD" });
      return;
    }
    const made = text();
    if (made === undefined) {
      refuse(500, "Internal error");
      return;
    }
    const content = Buffer.from(made);
    response.writeHead(200, { ...common, "Content-Type": type, "Content-Length": content.length });
    response.end(request.method === "HEAD" ? undefined : content);
  };
}
