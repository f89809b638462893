import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { expect } from "chai";
import { bytesWritten } from "../../../runtime/http-response.ts";
import { earlierResponse, isAnswered } from "../../../runtime/upgrade/answered.ts";
import { plainRequest, RawClient } from "../../support/raw-client.ts";
import { upgradeRequest } from "../../support/raw-websocket.ts";
import { closeServers, listening } from "../../support/servers.ts";

describe("isAnswered", () => {
  let server: Server;
  beforeEach(() => {
    server = createServer((_, response) => response.write("the beginning"));
  });
  afterEach(closeServers);

  /** The upgrade that follows `earlier` on the connection of a client. */
  async function upgrade(earlier = ""): Promise<[IncomingMessage, Socket]> {
    const url = await listening(server);
    const upgraded = once(server, "upgrade");
    server.on("upgrade", () => {});
    await RawClient.open(url, earlier + upgradeRequest("/"));
    const [request, socket] = await upgraded;
    socket.on("error", () => {});
    server.on("close", () => socket.destroy());
    return [request, socket];
  }

  const actions: Readonly<Record<string, (request: IncomingMessage, socket: Socket) => void>> = {
    writes: (_, socket) => socket.write("x"),
    "ends the socket": (_, socket) => socket.end(),
    "destroys the socket": (_, socket) => socket.destroy(),
    "reads data": (_, socket) => socket.on("data", () => {}),
    "waits for readable": (_, socket) => socket.on("readable", () => {}),
    "assigns a response": (request, socket) => new ServerResponse(request).assignSocket(socket),
  };

  for (const [name, act] of Object.entries(actions)) {
    it(`is true once a listener ${name}`, async () => {
      const [request, socket] = await upgrade();
      const written = bytesWritten(socket);
      expect(isAnswered(request, socket, written)).to.equal(false);
      act(request, socket);
      expect(isAnswered(request, socket, written)).to.equal(true);
      expect(earlierResponse(request, socket)).to.equal(undefined);
      socket.destroy();
    });
  }

  it("is false while only listeners for errors and the end are added", async () => {
    const [request, socket] = await upgrade();
    for (const event of ["end", "close", "error"]) socket.on(event, () => {});
    expect(isAnswered(request, socket, 0)).to.equal(false);
    socket.destroy();
  });

  it("is false if only an earlier request of the connection has been answered", async () => {
    const [request, socket] = await upgrade(plainRequest("/"));
    expect(isAnswered(request, socket, bytesWritten(socket))).to.equal(false);
    expect(earlierResponse(request, socket)).to.be.instanceOf(ServerResponse);
    socket.destroy();
  });
});
