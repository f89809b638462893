import { once } from "node:events";
import { createServer } from "node:net";
import { expect } from "chai";
import { Redis } from "ioredis";
import { LayerClosedError, LayerUnavailableError, QueueFullError } from "../../../layers/errors.ts";
import { RedisStreamsLayer, type RedisStreamsLayerOptions } from "../../../layers/redis/index.ts";
import { Recorder, Worker } from "../../../layers/testing/index.ts";
import { freePort } from "../../support/free-port.ts";
import { type RedisServer, startRedisServer } from "../../support/redis.ts";
import { startTcpProxy } from "../../support/tcp-proxy.ts";
import { until, untilResolved } from "../support/until.ts";

const queue = "{waiting__queue__jobs}";
const numbers = Array.from({ length: 20 }, (_, index) => index);

describe("calls that wait for a connection of RedisStreamsLayer", () => {
  let server: RedisServer;
  let admin: Redis;
  let layer: RedisStreamsLayer;
  let cleanUp: () => void;
  beforeEach(async () => {
    cleanUp = () => {};
    server = await startRedisServer();
    admin = new Redis(server.url);
    admin.on("error", () => {});
    startLayer();
  });
  afterEach(async () => {
    cleanUp();
    // Fails if a spec has ended the server.
    await server.resume().catch(() => {});
    await layer.close();
    admin.disconnect();
    await server.kill();
  });

  function startLayer(options: Partial<RedisStreamsLayerOptions> = {}): void {
    layer = new RedisStreamsLayer({ url: server.url, prefix: "waiting", onError() {}, ...options });
  }

  const patient = { commandQueue: { deadlineMs: 60_000 } };

  const send = (number: number) => layer.send("jobs", { type: "job", number });
  const sendAll = () => numbers.map(send);

  async function rejection(call: Promise<unknown>): Promise<Error> {
    return call.then(
      () => expect.fail("It did not reject."),
      (error: Error) => error,
    );
  }

  async function lost(role: string): Promise<void> {
    await until(() => layer.health.reason?.includes(`(${role})`) === true);
  }

  /** Opens all connections, then ends the server. */
  async function crash(): Promise<void> {
    await send(0);
    await server.kill();
    await lost("publisher");
  }

  async function comeBack(): Promise<void> {
    server = await startRedisServer({ port: server.port });
  }

  async function queued(): Promise<number[]> {
    const found: number[] = [];
    const worker = new Worker(({ message }) => {
      found.push(Number(message.number));
    });
    const reader = new RedisStreamsLayer({ url: server.url, prefix: "waiting" });
    await reader.consume("jobs", worker.handle);
    await worker.hasBegun(numbers.length);
    await reader.close();
    return found;
  }

  it("succeed in order after a short outage: sends to groups and queues, histories, workers", async () => {
    await layer.close();
    startLayer(patient);
    const inbox = new Recorder();
    await layer.groupAdd("room", await layer.newChannel(inbox));
    await send(-1);
    await admin.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await lost("publisher");
    const calls = numbers.flatMap((number) => [
      send(number),
      layer.groupSend("room", { type: "note", number }),
      layer.history("room"),
    ]);
    const worker = new Worker();
    await Promise.all([...calls, layer.consume("jobs", worker.handle)]);
    await worker.hasBegun(numbers.length + 1);
    expect(worker.numbers).to.deep.equal([-1, ...numbers]);
    await inbox.until(() => inbox.mails.length === numbers.length);
    expect(inbox.numbers).to.deep.equal(numbers);
  });

  it("reject at the deadline, and never begin later", async () => {
    await layer.close();
    startLayer({ commandQueue: { deadlineMs: 20 } });
    await crash();
    const calls = [send(1), layer.history("room"), layer.consume("jobs", () => {})];
    for (const error of await Promise.all(calls.map(rejection))) {
      expect(error).to.be.instanceOf(LayerUnavailableError);
      expect(error.message).to.include(`${server.host}:${server.port}`).and.to.include("after 20 ms");
    }
    expect(layer.counters().dropped).to.deep.equal({ unavailable: 1 });
    await comeBack();
    admin.disconnect();
    admin = new Redis(server.url);
    await until(() => layer.health.ok);
    await send(2);
    expect(await admin.xlen(queue)).to.equal(1);
  });

  it("reject at once if too many wait", async () => {
    await layer.close();
    startLayer({ commandQueue: { capacity: 2, deadlineMs: 60_000 } });
    await crash();
    const calls = [1, 2, 3].map(send);
    expect(await rejection(calls[2] as Promise<void>)).to.be.instanceOf(LayerUnavailableError);
    await comeBack();
    await Promise.all(calls.slice(0, 2));
  });

  it("succeed if the queues' connection is opened in the outage, and its first attempts fail", async () => {
    await layer.close();
    startLayer(patient);
    await layer.ready();
    await server.kill();
    await lost("publisher");
    // Counts the failed attempts of the layer's connections.
    let attempts = 0;
    const deaf = createServer((socket) => {
      attempts += 1;
      socket.destroy();
    }).listen(server.port, server.host);
    cleanUp = () => deaf.close();
    await once(deaf, "listening");
    const sends = sendAll();
    await until(() => attempts >= 8);
    deaf.close();
    await once(deaf, "close");
    await comeBack();
    await Promise.all(sends);
    expect(await queued()).to.deep.equal(numbers);
  });

  /** Repeats a send until a connection of the queues has opened. A call does not wait for long enough. */
  const untilSent = (number: number) =>
    until(() =>
      send(number).then(
        () => true,
        () => false,
      ),
    );

  it("name the reason if the queues' connection cannot be opened", async () => {
    await layer.close();
    startLayer({ commandQueue: { deadlineMs: 20 } });
    await layer.ready();
    await server.kill();
    await lost("publisher");
    const error = await rejection(send(1));
    expect(error).to.be.instanceOf(LayerUnavailableError);
    expect(error.message).to.match(/after 20 ms \(queues\): .*ECONNREFUSED/);
    await comeBack();
    await untilSent(2);
  });

  it("open the queues' connection again after a failure that left no call waiting", async () => {
    await layer.close();
    startLayer({ commandQueue: { capacity: 0 } });
    await layer.ready();
    await server.kill();
    await lost("publisher");
    expect(await rejection(send(1))).to.be.instanceOf(LayerUnavailableError);
    await comeBack();
    await untilSent(2);
  });

  it("are not bounded while the queues' connection is opened for the first time", async () => {
    await layer.close();
    startLayer({ commandQueue: { capacity: 0 } });
    await layer.ready();
    await Promise.all(sendAll());
    expect(await queued()).to.deep.equal(numbers);
  });

  it("succeed after the server has closed the queues' connection, as idle servers do", async () => {
    await layer.close();
    startLayer(patient);
    await send(-1);
    for (const number of numbers.slice(0, 5)) {
      const clients = String(await admin.client("LIST"));
      const [, id] = /^id=(\d+) .*name=greenroom-queues /m.exec(clients) ?? [];
      await admin.call("CLIENT", "KILL", "ID", String(id));
      await lost("queues");
      await send(number);
      await until(() => layer.health.ok);
    }
    expect(await admin.xlen(queue)).to.equal(6);
  });

  describe("when the layer closes", () => {
    async function expectAllSent(sends: Promise<unknown>[]): Promise<void> {
      await Promise.all(sends);
      const { published, dropped } = layer.counters();
      expect({ published, dropped }).to.deep.equal({ published: sends.length, dropped: {} });
      expect(await queued()).to.deep.equal(numbers);
    }

    it("are sent if the layer was never opened", async () => {
      const sends = sendAll();
      await layer.close();
      await expectAllSent(sends);
    });

    it("are sent if the queues' connection was never opened", async () => {
      await layer.ready();
      const sends = sendAll();
      await layer.close();
      await expectAllSent(sends);
    });

    it("are sent if the server answers late", async () => {
      await server.pause();
      const sends = sendAll();
      const closing = layer.close();
      // The server accepts a connection only after it resumes, so the layer is opening until then.
      await new Promise((resolve) => setImmediate(resolve));
      await server.resume();
      await closing;
      await expectAllSent(sends);
    });

    it("are sent if an outage ends in time, to groups as well", async () => {
      await layer.close();
      startLayer(patient);
      const other = new RedisStreamsLayer({ url: server.url, prefix: "waiting", onError() {} });
      const inbox = new Recorder();
      await other.groupAdd("room", await other.newChannel(inbox));
      await layer.ready();
      await admin.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
      await lost("publisher");
      const sends = numbers.flatMap((number) => [
        send(number),
        layer.groupSend("room", { type: "note", number }),
      ]);
      await layer.close();
      await expectAllSent(sends);
      await inbox.until(() => inbox.mails.length === numbers.length);
      expect(inbox.numbers).to.deep.equal(numbers);
      await other.close();
    });

    it("keep the error of a full queue", async () => {
      await layer.close();
      startLayer({ queueCapacity: 15 });
      const outcomes = Promise.allSettled(sendAll());
      await layer.close();
      const failed = (await outcomes).filter((outcome) => outcome.status === "rejected");
      expect(failed).to.have.length(5);
      for (const { reason } of failed) expect(reason).to.be.instanceOf(QueueFullError);
      const { published, dropped } = layer.counters();
      expect({ published, dropped }).to.deep.equal({ published: 15, dropped: { "queue-full": 5 } });
    });

    it("reject with the reason if no server listens, and are counted", async () => {
      await layer.close();
      const port = await freePort();
      startLayer({ url: `redis://127.0.0.1:${port}` });
      const errors = Promise.all(sendAll().map(rejection));
      await layer.close();
      for (const error of await errors) {
        expect(error).to.be.instanceOf(LayerClosedError);
        expect(error.message).to.include(`127.0.0.1:${port}`).and.to.include("ECONNREFUSED");
        expect(error.cause).to.be.instanceOf(LayerUnavailableError);
      }
      expect(layer.counters().dropped).to.deep.equal({ unavailable: 20 });
    });

    it("reject after `connectTimeoutMs` if the server never answers, and are counted", async () => {
      await layer.close();
      startLayer({ connectTimeoutMs: 200 });
      await server.pause();
      const errors = Promise.all([...sendAll(), layer.history("room")].map(rejection));
      await layer.close();
      for (const error of await errors) {
        expect(error).to.be.instanceOf(LayerClosedError);
        expect(error.message).to.include("no answer within 200 ms");
      }
      expect(layer.counters().dropped).to.deep.equal({ unavailable: 20 });
    });

    it("reject if only the queues' connection never gets an answer, and are counted", async () => {
      await layer.close();
      const proxy = await startTcpProxy(server.port);
      cleanUp = () => void proxy.close();
      proxy.swallow(["down"], "greenroom-queues");
      startLayer({ url: `redis://${server.host}:${proxy.port}`, connectTimeoutMs: 1_000 });
      // This process may be stopped for longer than `connectTimeoutMs`.
      await untilResolved(() => layer.ready());
      const errors = Promise.all(sendAll().map(rejection));
      await layer.close();
      for (const error of await errors) expect(error).to.be.instanceOf(LayerClosedError);
      expect(layer.counters().dropped).to.deep.equal({ unavailable: 20 });
    });
  });
});
