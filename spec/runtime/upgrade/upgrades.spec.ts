import { once } from "node:events";
import { createServer } from "node:http";
import { connect, type Socket } from "node:net";
import { expect } from "chai";
import {
  createRuntime,
  type Guard,
  groupName,
  InvalidOptionError,
  originGuard,
  WebSocketConsumer,
} from "greenroom";
import { WebSocketServer } from "ws";
import { Client } from "../../support/client.ts";
import { gate } from "../../support/gate.ts";
import { upgradeRequest as upgrade } from "../../support/raw-websocket.ts";
import { chat, serve, stopServing } from "../../support/serving.ts";

let constructed = 0;
let connecting = gate();

class Echo extends WebSocketConsumer {
  readonly number = constructed++;

  override receive(text: string) {
    this.send(text);
  }
}

/** Answers when the spec lets it. */
class Slow extends Echo {
  override async connect() {
    await connecting.opened;
  }
}

describe("Upgrades", () => {
  beforeEach(() => {
    constructed = 0;
    connecting = gate();
  });
  afterEach(stopServing);

  const serveEcho = (guards?: Guard[]) =>
    serve({ layers: chat(), ...(guards && { guards }), connectTimeoutMs: 60_000 }).then((serving) => {
      serving.runtime.route("/ws/echo", Echo);
      serving.runtime.route("/ws/slow", Slow);
      serving.runtime.route("/ws/room/:room_name", Echo, { params: { room_name: groupName } });
      return serving;
    });

  /** Sends bytes as they are and gives what comes back until the server ends the connection. */
  async function raw(url: string, text: string): Promise<string> {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.write(text);
    let answer = "";
    for await (const chunk of socket) answer += chunk;
    return answer;
  }

  describe("refusing", () => {
    it("answers 404 for an unknown path, and 400 with a reason for a parameter that is not accepted", async () => {
      const { url, runtime } = await serveEcho();
      expect(await Client.refused(`${url}/ws/nothing`)).to.include({ status: 404 });
      expect(await Client.refused(`${url}/ws/room/${"x".repeat(91)}`)).to.deep.equal({
        status: 400,
        body: 'The path parameter "room_name" is not accepted. It has 91 characters; 90 are the most',
      });
      expect(await Client.refused(`${url}/ws/room/a%20b`)).to.include({ status: 400 });
      expect(await Client.refused(`${url}/ws/room/%ZZ`)).to.include({ status: 400 });
      expect(constructed).to.equal(0);
      expect(runtime.counters().refused).to.equal(4);
    });

    it("answers 500 when a check throws, and tells onError", async () => {
      const { url, runtime, failures } = await serve({ layers: chat() });
      const params = {
        id: () => {
          throw new Error("no database");
        },
      };
      runtime.route("/ws/:id", Echo, { params });
      expect(await Client.refused(`${url}/ws/7`)).to.deep.equal({ status: 500, body: "Internal error" });
      expect(failures.map(({ stage }) => stage)).to.deep.equal(["params"]);
    });

    it("answers 403 for a foreign origin and for null, and makes no actor", async () => {
      const { url } = await serveEcho();
      for (const origin of ["http://evil.example", "null"]) {
        expect(await Client.refused(`${url}/ws/echo`, { origin })).to.deep.equal({
          status: 403,
          body: "Pages of this origin are not let in",
        });
      }
      expect(constructed).to.equal(0);
    });

    it("answers a malformed handshake with what is wrong, and makes no actor", async () => {
      const { url } = await serveEcho();
      for (const wrong of [
        { "Sec-WebSocket-Key": "short" },
        { "Sec-WebSocket-Version": "12" },
        { "Sec-WebSocket-Protocol": "a,,b" },
        { Upgrade: "h2c" },
      ]) {
        expect(await raw(url, upgrade("/ws/echo", wrong))).to.match(/^HTTP\/1.1 400 /);
      }
      expect(await raw(url, upgrade("/ws/echo", {}, "POST"))).to.match(/^HTTP\/1.1 405 /);
      expect(constructed).to.equal(0);
    });

    it("survives 15,000 spaces among the subprotocols, and 3,000 headers", async () => {
      const { url } = await serveEcho();
      const spaces = { "Sec-WebSocket-Protocol": `a${" ".repeat(15_000)}b` };
      expect(await raw(url, upgrade("/ws/echo", spaces))).to.match(/^HTTP\/1.1 400 /);
      const many = Object.fromEntries(Array.from({ length: 3_000 }, (_, n) => [`X-${n}`, "1"]));
      expect(await raw(url, upgrade("/ws/echo", many))).to.match(/^HTTP\/1.1 431 /);
      const client = await Client.open(`${url}/ws/echo`);
      client.send("still here");
      expect(await client.next()).to.equal("still here");
    });
  });

  describe("guards", () => {
    it("are asked in order; one may name the user for those after it and for the consumer", async () => {
      class WhoAmI extends WebSocketConsumer {
        override connect() {
          this.accept();
          const { user, query } = { ...this.scope };
          this.send(`${user} ${query.get("as")}`);
        }
      }
      const seen: unknown[] = [];
      const { url, runtime } = await serve({
        layers: chat(),
        guards: [async () => ({ user: "Ada" }), ({ user }) => void seen.push(user)],
      });
      runtime.route("/ws/me", WhoAmI);
      const client = await Client.open(`${url}/ws/me?as=guest`);
      expect(await client.next()).to.equal("Ada guest");
      expect(seen).to.deep.equal(["Ada"]);
    });

    it("that refuse end the asking, and no actor is made", async () => {
      const { url } = await serveEcho([
        () => ({ status: 401, reason: "Sign in first" }),
        () => expect.fail("asked"),
      ]);
      expect(await Client.refused(`${url}/ws/echo`)).to.deep.equal({ status: 401, body: "Sign in first" });
      expect(constructed).to.equal(0);
    });

    it("of a route are asked after those of the runtime, and nowhere else", async () => {
      const { url, runtime } = await serveEcho([({ query }) => ({ user: query.get("as") })]);
      const guards: Guard[] = [
        () => {},
        ({ user }) => (user === "Ada" ? undefined : { status: 403, reason: `Not for ${user}` }),
      ];
      runtime.route("/ws/inside", class extends WebSocketConsumer {}, { guards });
      expect(await Client.refused(`${url}/ws/inside?as=Bob`)).to.deep.equal({
        status: 403,
        body: "Not for Bob",
      });
      expect((await fetch(`${url}/ws/inside?as=Bob`)).status).to.equal(403);
      await Client.open(`${url}/ws/inside?as=Ada`);
      await Client.open(`${url}/ws/echo?as=Bob`);
    });

    it("that throw or reject are answered with 500 and told to onError, without details for the client", async () => {
      const throws = () => {
        throw new Error("the database says no");
      };
      for (const guard of [throws, () => Promise.reject(new Error("the database is gone"))]) {
        const { url, failures } = await serveEcho([guard]);
        expect(await Client.refused(`${url}/ws/echo`)).to.deep.equal({ status: 500, body: "Internal error" });
        expect(failures.map(({ stage }) => stage)).to.deep.equal(["guard"]);
      }
    });

    it("are asked about a path in absolute form, as proxies send it", async () => {
      const { url } = await serveEcho([({ path }) => ({ status: 403, reason: `No ${path}` })]);
      expect(await raw(url, upgrade(`${url}/ws/echo?a=b`))).to.match(/^HTTP\/1.1 403 .*No \/ws\/echo\n?$/s);
    });

    it("that refuse with a status which does not refuse are answered with 500, by upgrade and by GET", async () => {
      const { url, failures } = await serveEcho([() => ({ status: 1000, reason: "?" })]);
      expect(await Client.refused(`${url}/ws/echo`)).to.include({ status: 500 });
      expect((await fetch(`${url}/ws/echo`)).status).to.equal(500);
      expect(failures.map(({ error }) => error instanceof InvalidOptionError)).to.deep.equal([true, true]);
    });

    it("that take too long are answered with 503", async () => {
      const { url, runtime } = await serve({
        layers: chat(),
        guards: [() => new Promise<undefined>(() => {})],
        connectTimeoutMs: 20,
      });
      runtime.route("/ws/echo", Echo);
      expect(await Client.refused(`${url}/ws/echo`)).to.deep.equal({
        status: 503,
        body: "Connecting took too long",
      });
      expect(constructed).to.equal(0);
    });

    it("leave no actor behind when the client goes while they are asked", async () => {
      const guarding = gate();
      const asked = gate();
      const { url, runtime, server } = await serveEcho([
        () => {
          asked.open();
          return guarding.opened;
        },
      ]);
      const socket = connect(Number(new URL(url).port), "127.0.0.1");
      const [accepted] = await Promise.all([
        once(server, "connection") as Promise<[Socket]>,
        socket.write(upgrade("/ws/echo")),
      ]);
      await asked.opened;
      socket.destroy();
      await once(accepted[0], "close");
      guarding.open();
      await new Promise(setImmediate);
      expect([runtime.size, constructed]).to.deep.equal([0, 0]);
    });
  });

  describe("while connecting", () => {
    it("keeps the frames that a client sends before it has an answer", async () => {
      const { url } = await serveEcho();
      const socket = connect(Number(new URL(url).port), "127.0.0.1");
      // A text frame "early", masked with zeros.
      socket.write(`${upgrade("/ws/slow")}\x81\x85\0\0\0\0early`, "latin1");
      setImmediate(connecting.open);
      let answer = "";
      for await (const chunk of socket) {
        answer += chunk.toString("latin1");
        if (answer.endsWith("\x81\x05early")) break;
      }
      expect(answer).to.match(/^HTTP\/1.1 101 /);
    });

    it("notices a client that leaves, whether it ends or resets", async () => {
      for (const leave of ["end", "resetAndDestroy"] as const) {
        connecting = gate();
        const { url, runtime, server } = await serveEcho();
        const accepted = once(server, "connection");
        const socket = connect(Number(new URL(url).port), "127.0.0.1");
        socket.on("error", () => {});
        socket.write(upgrade("/ws/slow"));
        const [connection] = (await accepted) as [Socket];
        await once(server, "upgrade");
        const closed = new Promise((resolve) => connection.once("close", resolve));
        socket[leave]();
        await closed;
        connecting.open();
        await runtime.close();
        expect(runtime.size, leave).to.equal(0);
      }
    });

    it("takes a socket that broke just before it is accepted for a client that left", async () => {
      const { url, runtime, server, failures } = await serve({ layers: chat() });
      const connections: Socket[] = [];
      server.on("connection", (socket) => connections.push(socket));
      let accepted: Promise<void> | undefined;
      class TooLate extends WebSocketConsumer {
        override connect() {
          for (const socket of connections) socket.destroy();
          accepted = this.accept();
          this.send("into the void");
        }
      }
      runtime.route("/ws", TooLate);
      await new Client(`${url}/ws`).closed;
      expect(await accepted?.catch((error) => error)).to.have.property("code", "ERR_CONNECTION_LOST");
      await runtime.close();
      expect([runtime.size, failures]).to.deep.equal([0, []]);
      expect(runtime.counters().dropped.closing).to.equal(1);
    });

    it("answers 503 when connect has not accepted by the deadline, and the consumer is not disconnected", async () => {
      const { url, runtime } = await serve({ layers: chat(), connectTimeoutMs: 20, handlerGraceMs: 20 });
      let disconnected = false;
      class Never extends WebSocketConsumer {
        override connect() {
          return new Promise<void>(() => {});
        }
        override disconnect() {
          disconnected = true;
        }
      }
      runtime.route("/ws/never", Never);
      expect(await Client.refused(`${url}/ws/never`)).to.deep.equal({
        status: 503,
        body: "Connecting took too long",
      });
      await runtime.close();
      expect(disconnected).to.equal(false);
    });
  });

  describe("beside other listeners", () => {
    it("leaves unknown paths to them, and answers 404 once it is alone", async () => {
      const { url, server } = await serveEcho();
      const other = new WebSocketServer({ noServer: true });
      const onUpgrade = (...[request, socket, head]: Parameters<WebSocketServer["handleUpgrade"]>) => {
        if (request.url === "/other")
          other.handleUpgrade(request, socket, head, (websocket) => websocket.send("other"));
      };
      server.on("upgrade", onUpgrade);
      const client = new Client(`${url}/other`);
      expect(await client.next()).to.equal("other");
      server.off("upgrade", onUpgrade);
      expect(await Client.refused(`${url}/other`)).to.include({ status: 404 });
      client.websocket.terminate();
    });

    it("survives a client that resets an upgrade which nobody takes", async () => {
      const { url, server } = await serveEcho();
      const seen = once(server, "upgrade");
      server.on("upgrade", () => {});
      const accepted = once(server, "connection");
      const socket = connect(Number(new URL(url).port), "127.0.0.1");
      socket.write(upgrade("/nobody"));
      const [[connection]] = (await Promise.all([accepted, seen])) as [[Socket], unknown];
      const closed = new Promise((resolve) => connection.once("close", resolve));
      connection.resume();
      socket.resetAndDestroy();
      await closed;
      server.removeAllListeners("upgrade");
    });

    it("leaves to another runtime on the same server what is not its own, also while closing", async () => {
      const { url, runtime, server } = await serveEcho();
      await using other = createRuntime();
      other.route("/other", Echo);
      other.attach(server);
      const begun = gate();
      class Endless extends Echo {
        override receive() {
          begun.open();
          return gate().opened as never;
        }
      }
      runtime.route("/ws/endless", Endless);
      const client = await Client.open(`${url}/ws/endless`);
      client.send("go");
      await begun.opened;
      const closing = runtime.close({ drainMs: 100 });
      expect(await Client.refused(`${url}/ws/echo`)).to.include({ status: 503 });
      const guest = await Client.open(`${url}/other`);
      guest.send("hi");
      expect(await guest.next()).to.equal("hi");
      await closing;
    });

    it("answers 404 all the same when told to", async () => {
      const { runtime } = await serve({ layers: chat() });
      const server = createServer().on("upgrade", () => {});
      runtime.attach(server, { unmatched: "reject" });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as { port: number };
      expect(await Client.refused(`http://127.0.0.1:${port}/other`)).to.include({ status: 404 });
      server.close();
    });
  });

  describe("a plain GET of a socket's path", () => {
    it("gives the status and reason that an upgrade would get, or 426", async () => {
      const { url } = await serveEcho([
        originGuard(),
        ({ query }) => (query.has("no") ? { status: 402, reason: "Pay" } : undefined),
      ]);
      const get = async (path: string, headers = {}) => {
        const response = await fetch(`${url}${path}`, { headers });
        return [response.status, (await response.text()).trim()];
      };
      expect(await get("/ws/echo?no")).to.deep.equal([402, "Pay"]);
      expect(await get("/ws/room/a%20b")).to.have.property("0", 400);
      expect(await get("/ws/echo", { Origin: "http://evil.example" })).to.have.property("0", 403);
      expect(await get("/ws/echo")).to.have.property("0", 426);
      expect(await get("/nothing")).to.have.property("0", 404);
    });

    it("is left to the server's own listener, which can ask for it", async () => {
      const { runtime } = await serve({ layers: chat() });
      runtime.route("/ws/echo", Echo);
      const server = createServer((request, response) => {
        if (!runtime.handleRequest(request, response)) response.end("mine");
      });
      runtime.attach(server);
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as { port: number };
      expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).to.equal("mine");
      expect((await fetch(`http://127.0.0.1:${port}/ws/echo`)).status).to.equal(426);
      server.close();
      server.closeAllConnections();
    });
  });
});
