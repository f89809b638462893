import { once } from "node:events";
import { createServer } from "node:http";
import { connect, type Socket } from "node:net";
import { expect } from "chai";
import {
  type AnyGuard,
  createRuntime,
  groupName,
  InvalidOptionError,
  originGuard,
  WebSocketConsumer,
} from "greenroom";
import { WebSocketServer } from "ws";
import { until } from "../../layers/support/until.ts";
import { Client } from "../../support/client.ts";
import { gate } from "../../support/gate.ts";
import { upgradeRequest as upgrade } from "../../support/raw-websocket.ts";
import { chat, serve, stopServing } from "../../support/serving.ts";
import { CountedTimers } from "../support/counted-timers.ts";

let constructed = 0;
let connecting = gate();

class Echo extends WebSocketConsumer {
  readonly number = constructed++;

  override receive(text: string) {
    this.send(text);
  }
}

/** Accepts when the spec opens the gate. */
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

  const serveEcho = (guards?: AnyGuard[]) =>
    serve({ layers: chat(), ...(guards && { guards }), connectTimeoutMs: 60_000 }).then((serving) => {
      serving.runtime.route("/ws/echo", Echo);
      serving.runtime.route("/ws/slow", Slow);
      serving.runtime.route("/ws/room/:room_name", Echo, { params: { room_name: groupName } });
      return serving;
    });

  /** Sends raw bytes, and returns the answer when the server has ended the connection. */
  async function raw(url: string, text: string): Promise<string> {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.write(text);
    let answer = "";
    for await (const chunk of socket) answer += chunk;
    return answer;
  }

  describe("refused before a guard", () => {
    it("receive 404 for an unknown path, and 400 with a reason for a refused parameter", async () => {
      const { url, runtime } = await serveEcho();
      expect(await Client.refused(`${url}/ws/nothing`)).to.include({ status: 404 });
      expect(await Client.refused(`${url}/ws/room/${"x".repeat(91)}`)).to.deep.equal({
        status: 400,
        body: 'The path parameter "room_name" is not accepted. It has 91 characters; the limit is 90',
      });
      expect(await Client.refused(`${url}/ws/room/a%20b`)).to.include({ status: 400 });
      expect(await Client.refused(`${url}/ws/room/%ZZ`)).to.include({ status: 400 });
      expect(constructed).to.equal(0);
      expect(runtime.counters().refused).to.equal(4);
    });

    it("receive 500 if a check throws, and the error goes to onError", async () => {
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

    it("receive 403 for a foreign origin or null, and create no actor", async () => {
      const { url } = await serveEcho();
      for (const origin of ["http://evil.example", "null"]) {
        expect(await Client.refused(`${url}/ws/echo`, { origin })).to.deep.equal({
          status: 403,
          body: "Pages of this origin are not allowed",
        });
      }
      expect(constructed).to.equal(0);
    });

    it("receive 400 or 405 for a malformed handshake, and create no actor", async () => {
      const { url } = await serveEcho();
      for (const wrong of [
        { "Sec-WebSocket-Key": "short" },
        { "Sec-WebSocket-Version": "12" },
        { "Sec-WebSocket-Protocol": "a,,b" },
      ]) {
        expect(await raw(url, upgrade("/ws/echo", wrong))).to.match(/^HTTP\/1.1 400 /);
      }
      expect(await raw(url, upgrade("/ws/echo", {}, "POST"))).to.match(/^HTTP\/1.1 405 /);
      expect(constructed).to.equal(0);
    });

    it("with 15,000 spaces in the subprotocols or 3,000 headers do not affect other clients", async () => {
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

  describe("with guards", () => {
    it("call the guards in order, and pass their user to later guards and the consumer", async () => {
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

    it("stop at the first guard that refuses, and create no actor", async () => {
      const { url } = await serveEcho([
        () => ({ status: 401, reason: "Sign in first" }),
        () => expect.fail("asked"),
      ]);
      expect(await Client.refused(`${url}/ws/echo`)).to.deep.equal({ status: 401, body: "Sign in first" });
      expect(constructed).to.equal(0);
    });

    it("call the guards of a route after those of the runtime, only for that route", async () => {
      const { url, runtime } = await serveEcho([({ query }) => ({ user: query.get("as") })]);
      const guards: AnyGuard[] = [
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

    it("answer 500 without details if a guard throws or rejects, and report to onError", async () => {
      const throws = () => {
        throw new Error("the database says no");
      };
      for (const guard of [throws, () => Promise.reject(new Error("the database is gone"))]) {
        const { url, failures } = await serveEcho([guard]);
        expect(await Client.refused(`${url}/ws/echo`)).to.deep.equal({ status: 500, body: "Internal error" });
        expect(failures.map(({ stage }) => stage)).to.deep.equal(["guard"]);
      }
    });

    it("pass the path of a target in absolute form, which proxies send", async () => {
      const { url } = await serveEcho([({ path }) => ({ status: 403, reason: `No ${path}` })]);
      expect(await raw(url, upgrade(`${url}/ws/echo?a=b`))).to.match(/^HTTP\/1.1 403 .*No \/ws\/echo\n?$/s);
    });

    it("answer 500 if a guard refuses with an invalid status, for an upgrade and a GET", async () => {
      const { url, failures } = await serveEcho([() => ({ status: 1000, reason: "?" })]);
      expect(await Client.refused(`${url}/ws/echo`)).to.include({ status: 500 });
      expect((await fetch(`${url}/ws/echo`)).status).to.equal(500);
      expect(failures.map(({ error }) => error instanceof InvalidOptionError)).to.deep.equal([true, true]);
    });

    it("answer 503 if a guard takes too long", async () => {
      const asked = gate();
      const clock = new CountedTimers();
      const guard = () => {
        asked.open();
        return new Promise<undefined>(() => {});
      };
      const { url, runtime } = await serve({
        layers: chat(),
        guards: [guard],
        connectTimeoutMs: 20_000,
        clock,
      });
      runtime.route("/ws/echo", Echo);
      const refused = Client.refused(`${url}/ws/echo`);
      await asked.opened;
      await until(() => clock.waits(20_000));
      clock.increment(20_000);
      expect(await refused).to.deep.equal({
        status: 503,
        body: "Connecting took too long",
      });
      expect(constructed).to.equal(0);
    });

    it("create no actor if the client disconnects while a guard is pending", async () => {
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
    it("keep the frames that a client sends before the answer", async () => {
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

    it("notice a client that ends or resets its connection", async () => {
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

    it("treat a socket that breaks just before accept as a client that disconnected", async () => {
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

    it("answer 503 at the deadline of connect, without a call of disconnect", async () => {
      const clock = new CountedTimers();
      const connectTimeoutMs = 20_000;
      const handlerGraceMs = 1_000;
      const { url, runtime } = await serve({ layers: chat(), connectTimeoutMs, handlerGraceMs, clock });
      const called = gate();
      let disconnected = false;
      class Never extends WebSocketConsumer {
        override connect() {
          called.open();
          return new Promise<void>(() => {});
        }
        override disconnect() {
          disconnected = true;
        }
      }
      runtime.route("/ws/never", Never);
      const refused = Client.refused(`${url}/ws/never`);
      await called.opened;
      await until(() => clock.waits(connectTimeoutMs));
      clock.increment(connectTimeoutMs);
      expect(await refused).to.deep.equal({
        status: 503,
        body: "Connecting took too long",
      });
      await until(() => clock.waits(handlerGraceMs));
      clock.increment(handlerGraceMs);
      await runtime.close();
      expect(disconnected).to.equal(false);
    });
  });

  describe("beside other listeners", () => {
    it("leave unknown paths to them, and answer 404 without other listeners", async () => {
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

    it("survive a client that resets an upgrade that no listener handles", async () => {
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

    it("leave the paths of another runtime on the same server to it, also while closing", async () => {
      const { url, runtime, server } = await serveEcho();
      await using other = createRuntime();
      other.route("/other", Echo);
      other.attach(server);
      const begun = gate();
      const ending = gate();
      class Long extends Echo {
        override receive() {
          begun.open();
          return ending.opened as never;
        }
      }
      runtime.route("/ws/long", Long);
      const client = await Client.open(`${url}/ws/long`);
      client.send("go");
      await begun.opened;
      const closing = runtime.close({ drainMs: 60_000 });
      expect(await Client.refused(`${url}/ws/echo`)).to.include({ status: 503 });
      const guest = await Client.open(`${url}/other`);
      guest.send("hi");
      expect(await guest.next()).to.equal("hi");
      ending.open();
      await closing;
    });

    it("answer 404 for unknown paths with unmatched: reject", async () => {
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

  describe("requested by a plain GET", () => {
    it("answer with the refusal that an upgrade would receive, or with 426", async () => {
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

    it("leave the GET to the server's own listener, which may call handleRequest", async () => {
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
