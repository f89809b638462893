import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createRuntime, groupName } from "greenroom";
import { serveAsyncApi } from "greenroom/asyncapi";
import { inspector } from "greenroom/inspector";
import { BackgroundJobs } from "./consumers/jobs.ts";
import { RoomPresence } from "./consumers/presence.ts";
import { RoomChat } from "./consumers/room.ts";
import { Analytics } from "./consumers/showcase/analytics.ts";
import { Chat } from "./consumers/showcase/chat.ts";
import { Notifications } from "./consumers/showcase/notifications.ts";
import { ReliableChat } from "./consumers/showcase/reliable.ts";
import { SystemMessages } from "./consumers/system.ts";
import { TalkRoom } from "./consumers/talk.ts";
import { startWorker } from "./jobs/worker.ts";
import { createLayers } from "./layers.ts";
import { readPageFiles } from "./page-files.ts";

export interface DemoOptions {
  readonly port: number;
  /** Without a URL, layers are in memory and jobs run in this process. */
  readonly redisUrl?: string | undefined;
  /** The time that connections may take to close, in milliseconds. @default 8_000 */
  readonly drainMs?: number;
  /** The token of the inspector. @default a random token */
  readonly inspectToken?: string | undefined;
  /** See {@link startWorker}. */
  readonly jobStepMs?: number;
}

export interface Demo {
  readonly url: string;
  /** The address of the inspector, with the token. */
  readonly inspectorUrl: string;
  /** Drains connections, then closes everything. May be called more than once. */
  close(): Promise<void>;
}

/** The description of the routes with a contract, at `/asyncapi`. */
const api = {
  title: "The Greenroom demo",
  version: "1.0.0",
  description: "The frames of the demo's routes that have a contract.",
};

/** A socket without progress is closed after this time, unless it is a WebSocket, in milliseconds. */
const idleMs = 30_000;
/** More than the page needs. Further requests on one socket get 503, so that unread responses stay few. */
const maxRequestsPerSocket = 100;

/** Starts the demo. @throws if Redis does not answer or the port is in use, after closing everything */
export async function startDemo({
  port,
  redisUrl,
  drainMs = 8_000,
  inspectToken,
  jobStepMs,
}: DemoOptions): Promise<Demo> {
  const layers = createLayers(redisUrl);
  const runtime = createRuntime({ layers, control: "chat" });
  runtime.route("/ws/system", SystemMessages);
  runtime.route("/ws/room/:room_name", RoomChat, { params: { room_name: groupName } });
  runtime.route("/ws/presence/:room_name", RoomPresence, { params: { room_name: groupName } });
  runtime.route("/ws/backgroundjob", BackgroundJobs);
  runtime.route("/ws/chat", Chat);
  runtime.route("/ws/reliable", ReliableChat);
  runtime.route("/ws/notifications", Notifications);
  runtime.route("/ws/analytics", Analytics);
  runtime.route(TalkRoom);
  serveAsyncApi(runtime, { path: "/asyncapi", ...api });
  const inspectorAddress = inspector(runtime, { path: "/inspect", token: inspectToken, payloads: true });

  let draining = false;
  const files = readPageFiles();
  const server = createServer((request, response) => {
    if (!runtime.handleRequest(request, response)) answer(request, response);
  });
  server.setTimeout(idleMs);
  server.maxRequestsPerSocket = maxRequestsPerSocket;

  function answer(request: IncomingMessage, response: ServerResponse) {
    const [path = ""] = request.url?.split("?") ?? [];
    const file = files.get(path);
    if (path !== "/healthz" && file === undefined) answerError(response, 404, "Not found");
    else if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("Allow", "GET, HEAD");
      answerError(response, 405, "Method not allowed: use GET");
    } else if (file === undefined) answerHealth(response);
    else file.answer(request, response);
  }

  function answerHealth(response: ServerResponse) {
    const health = Object.fromEntries(Object.entries(layers).map(([alias, layer]) => [alias, layer.health]));
    const ok = !draining && Object.values(health).every((layer) => layer.ok);
    response.writeHead(ok ? 200 : 503, { "Content-Type": "application/json", "Cache-Control": "no-store" });
    response.end(
      JSON.stringify({ status: draining ? "draining" : ok ? "ok" : "unavailable", layers: health }),
    );
  }

  try {
    await runtime.ready();
    if (redisUrl === undefined)
      await startWorker(runtime, jobStepMs === undefined ? {} : { stepMs: jobStepMs });
    server.listen(port);
    await once(server, "listening");
  } catch (error) {
    await runtime.close();
    throw error;
  }
  runtime.attach(server);

  const url = `http://localhost:${(server.address() as AddressInfo).port}`;
  return {
    url,
    inspectorUrl: `${url}${inspectorAddress}`,
    async close() {
      draining = true;
      await runtime.close({ drainMs });
      server.close();
      server.closeAllConnections();
    },
  };
}

function answerError(response: ServerResponse, status: number, reason: string) {
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" }).end(`${reason}\n`);
}
