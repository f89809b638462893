import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { expect } from "chai";
import {
  type AttachOptions,
  type Clock,
  createRuntime,
  type Layers,
  type Runtime,
  type RuntimeOptions,
  WebSocketConsumer,
} from "greenroom";
import { WebSocketServer } from "ws";
import { SimulatedClock } from "xstate";
import { AttachedServer } from "../../../runtime/server/attached-server.ts";
import type { Upgrades } from "../../../runtime/upgrade/upgrades.ts";
import { makeCertificate } from "../../support/certificate.ts";
import { Client } from "../../support/client.ts";
import { type Gate, gate } from "../../support/gate.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { plainRequest, RawClient } from "../../support/raw-client.ts";
import { upgradeRequest } from "../../support/raw-websocket.ts";
import { closeServers, listening } from "../../support/servers.ts";
import { unlessByMachine } from "../../support/serving.ts";

/** Answers each frame with its own name. */
const named = (name: string) =>
  class extends WebSocketConsumer {
    override receive() {
      this.send(name);
    }
  };

describe("AttachedServer", () => {
  let errors: unknown[];
  let runtimes: Runtime[];
  let server: Server;
  beforeEach(() => {
    errors = [];
    runtimes = [];
    server = createServer();
  });
  afterEach(closeServers);

  /** Attaches a runtime whose consumers answer with `name`. */
  function attach(
    name: string,
    paths: readonly string[],
    options: Pick<RuntimeOptions<Layers>, "guards"> = {},
    attachOptions: AttachOptions = {},
  ): Runtime {
    const runtime = createRuntime({
      onError: unlessByMachine((error) => errors.push((error as { code?: string }).code)),
      ...options,
    });
    for (const path of paths) runtime.route(path, named(name));
    runtime.attach(server, attachOptions);
    runtimes.push(runtime);
    return runtime;
  }

  const start = () => listening(server, ...runtimes);

  async function nameAt(url: string): Promise<unknown> {
    const client = await Client.open(url);
    client.send("?");
    const name = await client.next();
    client.websocket.terminate();
    return name;
  }

  const statusOf = async (url: string) => (await fetch(url)).status;

  /** An upgrade listener that waits for a gate before it accepts each upgrade and sends "other". */
  function acceptLater(accepting: Gate): { readonly asked: Promise<void> } {
    const other = new WebSocketServer({ noServer: true });
    const asked = gate();
    server.on("upgrade", async (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      asked.open();
      await accepting.opened;
      other.handleUpgrade(request, socket, head, (websocket) => websocket.send("other"));
    });
    return { asked: asked.opened };
  }

  describe("with two runtimes", () => {
    it("answers each plain request once", async () => {
      attach("a", ["/a"]);
      attach("b", ["/b"]);
      const url = await start();
      for (const [path, status] of Object.entries({ "/a": 426, "/b": 426, "/c": 404 })) {
        expect(await statusOf(`${url}${path}`), path).to.equal(status);
      }
    });

    it("gives each upgrade to the runtime that has the path, and refuses another path at once", async () => {
      const [a, b] = [attach("a", ["/a"]), attach("b", ["/b"])];
      const url = await start();
      expect([await nameAt(`${url}/a`), await nameAt(`${url}/b`)]).to.deep.equal(["a", "b"]);
      expect(await Client.refused(`${url}/c`)).to.include({ status: 404 });
      expect([a.counters().refused, b.counters().refused]).to.deep.equal([1, 0]);
    });

    it("keeps the others if one of them is detached twice", async () => {
      attach("one", ["/ws"]);
      const upgrades = { isClosing: false, serves: () => false } as unknown as Upgrades;
      const detach = AttachedServer.of(server).attach({ upgrades, handleRequest: () => false });
      detach();
      detach();
      expect(await nameAt(`${await start()}/ws`)).to.equal("one");
    });

    it("leaves unknown paths to the runtime that rejects them", async () => {
      const a = createRuntime();
      a.attach(server, { unmatched: "ignore" });
      runtimes.push(a);
      const b = attach("b", []);
      expect(await Client.refused(`${await start()}/c`)).to.include({ status: 404 });
      expect([a.counters().refused, b.counters().refused]).to.deep.equal([0, 1]);
    });

    it("gives a path of several runtimes to the first, and never answers twice", async () => {
      attach("first", ["/ws"]);
      attach("second", ["/ws"]);
      attach("strict", ["/ws"], { guards: [() => ({ status: 401, reason: "Sign in" })] });
      const url = await start();
      const client = await RawClient.open(url, upgradeRequest("/ws"));
      await client.until(/\r\n\r\n/);
      await nextTurn();
      client.socket.end();
      expect(await client.rest()).to.match(/^HTTP\/1.1 101 .*?\r\n\r\n(?!HTTP)/s);
      expect(await nameAt(`${url}/ws`)).to.equal("first");
      expect(errors).to.deep.equal([]);
    });

    it("gives a path of a closing runtime to the next one, and keeps the next one attached", async () => {
      const first = attach("first", ["/ws"]);
      attach("second", ["/ws"]);
      const url = await start();
      const [begun, ending] = [gate(), gate()];
      first.route(
        "/endless",
        class extends WebSocketConsumer {
          override receive() {
            begun.open();
            return ending.opened as never;
          }
        },
      );
      const client = await Client.open(`${url}/endless`);
      client.send("go");
      await begun.opened;
      const closing = first.close({ drainMs: 60_000 });
      expect(await nameAt(`${url}/ws`)).to.equal("second");
      expect(await statusOf(`${url}/ws`)).to.equal(426);
      expect(await Client.refused(`${url}/endless`)).to.include({ status: 503 });
      ending.open();
      await closing;
      expect(await nameAt(`${url}/ws`)).to.equal("second");
    });
  });

  describe("beside another upgrade listener", () => {
    it("stays silent if that listener has refused a path with a route, and reports it once", async () => {
      const runtime = attach("greenroom", ["/ws"]);
      new WebSocketServer({ server, path: "/other" });
      const url = await start();
      for (let attempt = 0; attempt < 2; attempt += 1) {
        const client = await RawClient.open(url, upgradeRequest("/ws"));
        expect(await client.rest()).to.match(/^HTTP\/1.1 400 (?!.*HTTP)/s);
      }
      expect(errors).to.deep.equal(["ERR_UPGRADE_CONFLICT"]);
      expect([runtime.size, runtime.counters().refused]).to.deep.equal([0, 0]);
    });

    for (const [when, path] of [
      ["before", "/ws"],
      ["before", "/other"],
      ["after", "/ws"],
      ["after", "/other"],
    ] as const) {
      it(`stays silent at ${path} if that listener, added ${when} the runtime, has only written`, async () => {
        const written = gate();
        const listen = () =>
          server.on("upgrade", (_, socket) => {
            socket.write("HTTP/1.1 101 Mine\r\n\r\n");
            process.nextTick(() => process.nextTick(written.open));
          });
        if (when === "before") listen();
        const runtime = createRuntime({
          onError: unlessByMachine((error) => errors.push((error as { code?: string }).code)),
        });
        runtimes.push(runtime);
        runtime.route("/ws", named("greenroom"));
        runtime.attach(server, { unmatched: "reject" });
        if (when === "after") listen();
        const client = await RawClient.open(await start(), upgradeRequest(path));
        await client.until(/101/);
        await written.opened;
        await nextTurn();
        client.socket.end();
        expect(client.received).to.equal("HTTP/1.1 101 Mine\r\n\r\n");
        expect(errors).to.deep.equal(path === "/ws" ? ["ERR_UPGRADE_CONFLICT"] : []);
        expect(runtime.counters().refused).to.equal(0);
        client.socket.destroy();
      });
    }

    it("stays silent if that listener has written before an earlier response, which has not begun", async () => {
      const [answering, upgraded] = [gate(), gate()];
      server.on("request", async (_, response) => {
        await answering.opened;
        response.end("page");
      });
      server.on("upgrade", (_, socket) => {
        socket.write("HTTP/1.1 101 Mine\r\n\r\n");
        upgraded.open();
      });
      attach("greenroom", ["/ws"]);
      const client = await RawClient.open(await start(), plainRequest("/") + upgradeRequest("/ws"));
      await upgraded.opened;
      await nextTurn();
      answering.open();
      expect(await client.until(/page/)).not.to.contain("101 Switching");
      await nextTurn();
      expect(client.received).not.to.contain("101 Switching");
      expect(errors).to.deep.equal(["ERR_UPGRADE_CONFLICT"]);
      client.socket.destroy();
    });

    it("answers after an earlier response that goes on in the turn of the upgrade", async () => {
      server.on("request", (_, response) => {
        response.write("pa");
        process.nextTick(() => response.end("ge"));
      });
      server.on("upgrade", () => {});
      attach("greenroom", ["/ws"]);
      const client = await RawClient.open(await start(), plainRequest("/") + upgradeRequest("/ws"));
      await client.until(/ge.* 101 /s);
      client.socket.destroy();
      expect(errors).to.deep.equal([]);
    });

    it("stays silent if that listener has assigned a response to the socket, like a framework", async () => {
      attach("greenroom", ["/ws"]);
      server.on("upgrade", async (request, socket) => {
        const response = new ServerResponse(request);
        response.assignSocket(socket as Socket);
        await nextTurn();
        response.writeHead(404, { Connection: "close" }).end("the framework");
        socket.end();
      });
      const client = await RawClient.open(await start(), upgradeRequest("/ws"));
      expect(await client.rest()).to.match(/^HTTP\/1.1 404 (?!.*HTTP).*the framework/s);
      expect(errors).to.deep.equal(["ERR_UPGRADE_CONFLICT"]);
    });

    for (const verdict of [undefined, { status: 401, reason: "Sign in" }]) {
      it(`leaves a socket alone that it accepted before a guard ${verdict ? "refuses" : "admits"}`, async () => {
        const [guarding, accepting] = [gate(), gate()];
        const guards = [() => guarding.opened.then(() => verdict)];
        const runtime = attach("greenroom", ["/ws"], { guards });
        const { asked } = acceptLater(accepting);
        const client = new Client(`${await start()}/ws`);
        await asked;
        accepting.open();
        expect(await client.next()).to.equal("other");
        guarding.open();
        await nextTurn();
        expect([runtime.size, runtime.counters().refused]).to.deep.equal([0, 0]);
        expect(client.websocket.readyState).to.equal(client.websocket.OPEN);
        expect(errors).to.deep.equal(["ERR_UPGRADE_CONFLICT"]);
        client.websocket.terminate();
      });
    }

    it("does not count a rejected upgrade that another listener has answered", async () => {
      const deciding = gate();
      class Rejecting extends WebSocketConsumer {
        override async connect() {
          await deciding.opened;
          this.reject(403, "No");
        }
      }
      const runtime = attach("greenroom", []);
      runtime.route("/ws", Rejecting);
      server.on("upgrade", async (_, socket) => {
        await nextTurn();
        socket.end("HTTP/1.1 101 other\r\n\r\n");
      });
      const client = await RawClient.open(await start(), upgradeRequest("/ws"));
      await client.until(/101/);
      deciding.open();
      expect(await client.rest()).to.match(/101 other\r\n\r\n$/);
      while (runtime.size > 0) await nextTurn();
      expect(runtime.counters().refused).to.equal(0);
    });

    it("reports a listener that ends the socket while a guard is pending", async () => {
      const guarding = gate();
      attach("greenroom", ["/ws"], { guards: [() => guarding.opened] });
      server.on("upgrade", async (_, socket) => {
        await nextTurn();
        socket.end();
      });
      const client = await RawClient.open(await start(), upgradeRequest("/ws"));
      expect(await client.rest()).to.equal("");
      guarding.open();
      await nextTurn();
      expect(errors).to.deep.equal(["ERR_UPGRADE_CONFLICT"]);
    });

    it("leaves a socket alone whose client ends after that listener has answered", async () => {
      const runtime = attach("greenroom", ["/ws"], { guards: [() => gate().opened] });
      server.on("upgrade", async (_, socket) => {
        await nextTurn();
        socket.write("HTTP/1.1 101 other\r\n\r\n");
        await once(socket.resume(), "end");
        await nextTurn();
        socket.end("the rest");
      });
      const client = await RawClient.open(await start(), upgradeRequest("/ws"));
      await client.until(/101/);
      client.socket.end();
      expect(await client.rest()).to.match(/the rest$/);
      expect(runtime.size).to.equal(0);
      expect(errors).to.deep.equal(["ERR_UPGRADE_CONFLICT"]);
    });

    it("serves its paths, also on a connection that has been used before and over TLS", async () => {
      const guards = [() => nextTurn()];
      server = createSecureServer(await makeCertificate(), (_, response) => response.end("page"));
      server.on("upgrade", () => {});
      attach("greenroom", ["/ws"], { guards });
      const secure = (await start()).replace("http", "https");
      const client = await Client.open(`${secure}/ws`, [], { rejectUnauthorized: false });
      client.send("?");
      expect(await client.next()).to.equal("greenroom");
      client.websocket.terminate();
      server = createServer((_, response) => response.end("page"));
      server.on("upgrade", () => {});
      attach("greenroom", ["/ws"], { guards });
      const raw = await RawClient.open(await start(), plainRequest("/"));
      await raw.until(/page/);
      await raw.send(upgradeRequest("/ws"));
      expect(await raw.until(/ 101 .*\r\n\r\n/s)).to.match(/page/);
      raw.socket.destroy();
      expect(errors).to.deep.equal([]);
    });

    for (const guards of [[], [() => nextTurn()]]) {
      const when = guards.length > 0 ? "later" : "at once";
      it(`handles an upgrade once that the listener passes to handleUpgrade, if it is accepted ${when}`, async () => {
        const runtime = attach("greenroom", ["/ws"], { guards });
        server.on("upgrade", (request, socket, head) => runtime.handleUpgrade(request, socket, head));
        const url = await start();
        expect(await nameAt(`${url}/ws`)).to.equal("greenroom");
        expect(await Client.refused(`${url}/typo`)).to.include({ status: 404 });
        expect(runtime.counters().refused).to.equal(1);
        expect(errors).to.deep.equal([]);
      });
    }

    describe("with exclusive: true", () => {
      let seen: (string | undefined)[];
      beforeEach(() => {
        seen = [];
        server.on("upgrade", ({ url }, socket) => {
          seen.push(url);
          socket.end("HTTP/1.1 404 Not mine\r\n\r\n");
        });
      });

      it("keeps the upgrades to its paths from that listener, and no others", async () => {
        const runtime = attach("greenroom", ["/ws"], {}, { exclusive: true });
        const url = await start();
        expect(await nameAt(`${url}/ws`)).to.equal("greenroom");
        const client = await RawClient.open(url, upgradeRequest("/other"));
        expect(await client.rest()).to.match(/^HTTP\/1.1 404 Not mine/);
        const h2c = await RawClient.open(
          url,
          "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        );
        await h2c.rest();
        expect(seen).to.deep.equal(["/other", "/ws"]);
        expect(errors).to.deep.equal([]);
        await runtime.close();
        await (await RawClient.open(url, upgradeRequest("/ws"))).rest();
        expect(seen).to.deep.equal(["/other", "/ws", "/ws"]);
      });

      it("answers after an earlier response of the connection", async () => {
        const answering = gate();
        server.on("request", async (_, response) => {
          await answering.opened;
          response.end("page");
        });
        attach("greenroom", ["/ws"], {}, { exclusive: true });
        const client = await RawClient.open(await start(), plainRequest("/") + upgradeRequest("/ws"));
        answering.open();
        expect(await client.until(/ 101 .*\r\n\r\n/s)).to.match(/^HTTP\/1.1 200 .*page.*HTTP\/1.1 101 /s);
        expect(seen).to.deep.equal([]);
        client.socket.destroy();
      });

      it("applies to the paths of its own runtime only", async () => {
        attach("shared", ["/shared"]);
        attach("exclusive", ["/exclusive"], {}, { exclusive: true });
        const url = await start();
        expect(await nameAt(`${url}/exclusive`)).to.equal("exclusive");
        await (await RawClient.open(url, upgradeRequest("/shared"))).rest();
        expect(seen).to.deep.equal(["/shared"]);
        expect(errors).to.deep.equal(["ERR_UPGRADE_CONFLICT"]);
      });
    });

    it("refuses an upgrade once that a listener passes to two runtimes", async () => {
      const [one, two] = [createRuntime(), createRuntime()];
      runtimes.push(one, two);
      server.on("upgrade", (...upgrade) => {
        one.handleUpgrade(...upgrade);
        two.handleUpgrade(...upgrade);
      });
      expect(await Client.refused(`${await start()}/typo`)).to.include({ status: 404 });
      expect([one.counters().refused, two.counters().refused]).to.deep.equal([1, 0]);
    });
  });

  it("answers an upgrade after the earlier requests of the same connection", async () => {
    const answering = gate();
    server.on("request", async (_, response) => {
      await answering.opened;
      response.end("page");
    });
    attach("greenroom", ["/ws"]);
    const url = await start();
    const [, usual] = (await Promise.all([Client.open(`${url}/ws`), once(server, "upgrade")]))[1];
    const upgraded = once(server, "upgrade");
    const client = await RawClient.open(url, plainRequest("/") + upgradeRequest("/ws"));
    const [, socket] = await upgraded;
    await nextTurn();
    answering.open();
    expect(await client.until(/ 101 .*\r\n\r\n/s)).to.match(/^HTTP\/1.1 200 .*page.*HTTP\/1.1 101 /s);
    expect(socket.listenerCount("end")).to.equal(usual.listenerCount("end"));
    client.socket.destroy();
    usual.destroy();
  });

  it("ends a connection whose client leaves before an earlier response has ended", async () => {
    server.on("request", (_, response) => response.write("endless"));
    attach("greenroom", ["/ws"]);
    const client = await RawClient.open(await start(), plainRequest("/") + upgradeRequest("/typo"));
    await client.until(/endless/);
    client.socket.end();
    await client.rest();
    expect(runtimes[0]?.counters().refused).to.equal(0);
  });

  it("reports no conflict if a client leaves before an earlier response, beside another listener", async () => {
    const asked = gate();
    server.on("request", () => asked.open());
    server.on("upgrade", () => {});
    attach("greenroom", ["/ws"]);
    const upgraded = once(server, "upgrade");
    const client = await RawClient.open(await start(), plainRequest("/") + upgradeRequest("/ws"));
    const [, socket] = await upgraded;
    client.socket.destroy();
    await once(socket, "close");
    await nextTurn();
    expect(errors).to.deep.equal([]);
  });

  for (const hasOther of [false, true]) {
    it(`refuses an upgrade that waits while the runtime closes, ${hasOther ? "with" : "without"} another listener`, async () => {
      const answering = gate();
      server.on("request", async (_, response) => {
        await answering.opened;
        response.end("page");
      });
      if (hasOther) server.on("upgrade", () => {});
      const runtime = attach("greenroom", ["/ws"]);
      const upgraded = once(server, "upgrade");
      const client = await RawClient.open(await start(), plainRequest("/") + upgradeRequest("/ws"));
      await upgraded;
      await nextTurn();
      await runtime.close();
      answering.open();
      expect(await client.rest()).to.match(/^HTTP\/1.1 200 .*page.*HTTP\/1.1 503 .*shutting down\n$/s);
    });
  }

  it("ends a connection whose upgrade waits for an earlier response for unansweredUpgradeMs", async () => {
    const clock = new SimulatedClock();
    const upgraded = once(server, "upgrade");
    server.on("request", (_, response) => response.write("endless"));
    const runtime = createRuntime({ clock: clock as Clock, unansweredUpgradeMs: 100 });
    runtimes.push(runtime);
    runtime.route("/ws", named("greenroom"));
    runtime.attach(server);
    const client = await RawClient.open(await start(), plainRequest("/") + upgradeRequest("/ws"));
    await upgraded;
    await client.until(/endless/);
    await runtime.close();
    clock.increment(99);
    await nextTurn();
    expect(client.socket.closed).to.equal(false);
    clock.increment(1);
    await client.rest();
    expect(runtime.counters().dropped.unanswered).to.equal(1);
  });

  it("answers a plain request once that its caller answers while a guard is pending", async () => {
    const guarding = gate();
    const runtime = attach("greenroom", ["/ws"], { guards: [() => guarding.opened] });
    server.on("request", (request, response) => {
      runtime.handleRequest(request, response);
      response.end("mine");
    });
    const url = await start();
    expect(await (await fetch(`${url}/ws`)).text()).to.equal("mine");
    guarding.open();
    await nextTurn();
    expect(errors).to.deep.equal([]);
  });
});
