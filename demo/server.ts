import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createRuntime, groupName, type Limits, type RuntimeOptions } from "greenroom";
import { serveAsyncApi } from "greenroom/asyncapi";
import { inspector } from "greenroom/inspector";
import { BackgroundJobs } from "./consumers/jobs.ts";
import { LotRoom } from "./consumers/lot.ts";
import { RoomPresence } from "./consumers/presence.ts";
import { RoomChat } from "./consumers/room.ts";
import { Analytics } from "./consumers/showcase/analytics.ts";
import { Chat } from "./consumers/showcase/chat.ts";
import { Notifications } from "./consumers/showcase/notifications.ts";
import { ReliableChat } from "./consumers/showcase/reliable.ts";
import { SystemMessages } from "./consumers/system.ts";
import { TalkRoom } from "./consumers/talk.ts";
import { lotName } from "./contracts/lot.ts";
import { healthAnswers } from "./health.ts";
import { startWorker } from "./jobs/worker.ts";
import { createLayers, type DemoLayers } from "./layers.ts";
import { lotMachine, viewLot } from "./lots/lot-machine.ts";
import { readPageFiles } from "./page-files.ts";

export interface DemoOptions {
  readonly port: number;
  /** Without a URL, layers are in memory and jobs run in this process. */
  readonly redisUrl?: string | undefined;
  /** The time that connections may take to close, in milliseconds. @default 8_000 */
  readonly drainMs?: number;
  /** See the option `trustProxy` of a runtime. @default false */
  readonly trustProxy?: number | string | false;
  /** The token of the inspector. @default a random token */
  readonly inspectToken?: string | undefined;
  /** See {@link startWorker}. */
  readonly jobStepMs?: number;
  /** Receives errors that no caller receives. @default the runtime emits warnings */
  readonly onError?: RuntimeOptions<DemoLayers>["onError"];
  /** Limits of the runtime, in the place of the defaults. */
  readonly limits?: Partial<Limits>;
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
  trustProxy = false,
  inspectToken,
  jobStepMs,
  onError,
  limits = {},
}: DemoOptions): Promise<Demo> {
  const layers = createLayers(redisUrl);
  const runtime = createRuntime({
    layers,
    control: "chat",
    trustProxy,
    ...(onError && { onError }),
    ...limits,
  });
  runtime.route("/ws/system", SystemMessages);
  runtime.route("/ws/room/:room_name", RoomChat, { params: { room_name: groupName } });
  runtime.route("/ws/presence/:room_name", RoomPresence, { params: { room_name: groupName } });
  runtime.route("/ws/backgroundjob", BackgroundJobs);
  runtime.route("/ws/chat", Chat);
  runtime.route("/ws/reliable", ReliableChat);
  runtime.route("/ws/notifications", Notifications);
  runtime.route("/ws/analytics", Analytics);
  runtime.route(TalkRoom);
  runtime.route(LotRoom);
  serveAsyncApi(runtime, { path: "/asyncapi", ...api });
  const inspectorAddress = inspector(runtime, { path: "/inspect", token: inspectToken, payloads: true });

  const health = healthAnswers(() => runtime.health());
  const files = readPageFiles();
  const server = createServer((request, response) => {
    if (!runtime.handleRequest(request, response)) answer(request, response);
  });
  server.setTimeout(idleMs);
  server.maxRequestsPerSocket = maxRequestsPerSocket;

  function answer(request: IncomingMessage, response: ServerResponse) {
    const [path = ""] = request.url?.split("?") ?? [];
    const [file, probe] = [files.get(path), health.get(path)];
    if (file === undefined && probe === undefined) answerError(response, 404, "Not found");
    else if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("Allow", "GET, HEAD");
      answerError(response, 405, "Method not allowed: use GET");
    } else if (probe !== undefined) probe(response);
    else file?.answer(request, response);
  }

  try {
    await runtime.ready();
    // Not earlier, because a kind reports each failure to open its store, and `ready` throws the same one.
    runtime.named("lot", lotMachine, { layer: "state", key: lotName, view: viewLot });
    if (redisUrl === undefined)
      await startWorker(runtime, jobStepMs === undefined ? {} : { stepMs: jobStepMs });
    // Before the server listens, so that it cuts silent sockets in time.
    runtime.attach(server);
    server.listen(port);
    await once(server, "listening");
  } catch (error) {
    await runtime.close();
    throw error;
  }

  const url = `http://localhost:${(server.address() as AddressInfo).port}`;
  return {
    url,
    inspectorUrl: `${url}${inspectorAddress}`,
    async close() {
      await runtime.close({ drainMs });
      server.close();
      server.closeAllConnections();
    },
  };
}

function answerError(response: ServerResponse, status: number, reason: string) {
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" }).end(`${reason}\n`);
}
