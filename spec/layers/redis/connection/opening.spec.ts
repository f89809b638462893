import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { inspect } from "node:util";
import { expect } from "chai";
import { LayerUnavailableError } from "../../../../layers/errors.ts";
import { RedisPubSubLayer } from "../../../../layers/redis/index.ts";
import { run } from "../../../support/child-process.ts";
import { freePort } from "../../../support/free-port.ts";
import { redisUrl, startRedisServer } from "../../../support/redis.ts";

const password = "hunter2-%-secret";

function layerAt(port: number, connectTimeoutMs = 300): RedisPubSubLayer {
  const url = `redis://:${encodeURIComponent(password)}@127.0.0.1:${port}`;
  return new RedisPubSubLayer({ url, prefix: "chat", connectTimeoutMs });
}

/** Returns the error of `ready`. Checks that it contains the address and not the password. */
async function failure(layer: RedisPubSubLayer, port: number): Promise<Error> {
  const error = await layer.ready().then(
    () => expect.fail("It opened."),
    (reason: Error) => reason,
  );
  expect(error).to.be.instanceOf(LayerUnavailableError);
  expect(error.message).to.include(`127.0.0.1:${port}`);
  expect(inspect(error, { depth: 9, showHidden: true })).not.to.match(/hunter2/);
  return error;
}

describe("RedisPubSubLayer#ready", () => {
  it("rejects if no server listens, and tries again at the next call", async () => {
    const port = await freePort();
    const layer = layerAt(port, 5_000);
    expect((await failure(layer, port)).message).to.include("ECONNREFUSED");
    expect(layer.health.ok).to.equal(false);
    await failure(layer, port);
    const server = await startRedisServer({ port, password });
    await layer.ready();
    expect(layer.health).to.deep.equal({ ok: true });
    await layer.close();
    await server.stop();
  });

  it("rejects if the password is wrong, without showing it", async () => {
    const server = await startRedisServer({ password: "another" });
    const layer = layerAt(server.port, 5_000);
    expect((await failure(layer, server.port)).message).to.include("WRONGPASS");
    await layer.close();
    await server.stop();
  });

  describe("at a server that accepts connections and never replies", () => {
    let silent: Server;
    let sockets: Socket[];
    let port: number;
    beforeEach(async () => {
      sockets = [];
      silent = createServer((socket) => sockets.push(socket)).listen(0, "127.0.0.1");
      await once(silent, "listening");
      port = (silent.address() as AddressInfo).port;
    });
    afterEach(() => {
      for (const socket of sockets) socket.destroy();
      silent.close();
    });

    it("rejects within the deadline, and disconnects", async () => {
      const layer = layerAt(port);
      await failure(layer, port);
      expect(sockets).to.have.length(2);
      for (const socket of sockets) if (!socket.closed) await once(socket.resume(), "close");
      await layer.close();
    });

    it("rejects when the layer is closed before the deadline", async () => {
      const layer = layerAt(port, 60_000);
      const opening = layer.ready().catch((error: Error) => error);
      await once(silent, "connection");
      await layer.close();
      expect(await opening).to.have.property("code", "ERR_LAYER_CLOSED");
    });
  });

  it("rejects within the deadline if a server is still loading its data", async () => {
    const loading = createServer((socket) => {
      socket.on("data", (commands) => {
        for (const [, name] of commands.toString().matchAll(/\*\d+\r\n\$\d+\r\n(\w+)/g)) {
          const isKnown = name?.toUpperCase() !== "PING";
          socket.write(isKnown ? "*2\r\n+role\r\n+master\r\n" : "-LOADING loading\r\n");
        }
      });
    }).listen(0, "127.0.0.1");
    await once(loading, "listening");
    const { port } = loading.address() as AddressInfo;
    const layer = layerAt(port);
    expect((await failure(layer, port)).message).to.include("no answer within 300 ms");
    await layer.close();
    loading.close();
    await once(loading, "close");
  });

  it("leaves nothing open after `close`, so that the process exits", async () => {
    const script = `
      import { RedisPubSubLayer } from ${JSON.stringify(new URL("../../../../layers/redis/index.ts", import.meta.url))};
      const layer = new RedisPubSubLayer({ url: ${JSON.stringify(redisUrl())}, prefix: "handles" });
      const channel = await layer.newChannel({ deliver() {}, gap() {} });
      await layer.groupAdd("room", channel);
      await layer.groupSend("room", { type: "x" });
      const busy = process.getActiveResourcesInfo();
      await layer.close();
      const own = ["PipeWrap", "Immediate"];
      const open = () => process.getActiveResourcesInfo().filter((name) => !own.includes(name));
      while (open().includes("TCPSocketWrap") && performance.now() < 30_000) await new Promise(setImmediate);
      const sockets = busy.filter((name) => name === "TCPSocketWrap").length;
      console.log(JSON.stringify({ sockets, idle: open() }));
    `;
    const { stdout } = await run(process.execPath, ["--import=tsx", "--input-type=module", "--eval", script]);
    expect(JSON.parse(stdout)).to.deep.equal({ sockets: 2, idle: [] });
  });
});
