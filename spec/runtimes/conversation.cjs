"use strict";
// A conversation between two nodes, on each layer: plain JavaScript, so that every runtime runs it as it is.
const { createServer } = require("node:http");
const { once } = require("node:events");

/** A schema of Standard Schema that accepts every value. */
const anything = { "~standard": { version: 1, vendor: "conversation", validate: (value) => ({ value }) } };

/**
 * Lets two clients talk in a room, cuts the connection of one of them, lets it resume its session, and closes
 * everything. Returns the texts that the other client heard on each layer, and the end of an idle client.
 *
 * @param packages the modules of Greenroom, and `WebSocket` for the client
 */
exports.converse = async function converse(packages, redisUrl) {
  const { MemoryBus, MemoryLayer, RedisPubSubLayer, RedisStreamsLayer } = packages;
  const bus = new MemoryBus();
  const prefix = `conversation-${process.pid}`;
  const layers = {
    memory: () => new MemoryLayer({ bus }),
    "pub/sub": () => new RedisPubSubLayer({ url: redisUrl, prefix }),
    streams: () => new RedisStreamsLayer({ url: redisUrl, prefix: `${prefix}-streams` }),
  };
  const heard = {};
  for (const [name, layer] of Object.entries(layers)) heard[name] = await talk(packages, layer);
  heard.idle = await idle(packages);
  return heard;
};

/** The number of pings that a client without frames answers, or the code with which the server closes it. */
async function idle(packages) {
  const node = await startNode(packages, roomOf(packages.contract), new packages.MemoryLayer());
  const socket = new packages.WebSocket(`${node.url.replace("http", "ws")}/room/tea`);
  const outcome = await new Promise((resolve) => {
    let pings = 0;
    socket.on("ping", () => {
      pings += 1;
      if (pings === 3) resolve("3 pings");
    });
    socket.on("close", (code) => resolve(`closed with ${code}`));
  });
  await node.close();
  return outcome;
}

function roomOf(contract) {
  return contract({ path: "/room/:room", client: { say: anything }, server: { said: anything } });
}

async function talk(packages, layer) {
  const { connect, contract } = packages;
  const room = roomOf(contract);
  const [one, other] = [await startNode(packages, room, layer()), await startNode(packages, room, layer())];
  const enter = ({ url }) => connect(room, { url, params: { room: "tea" }, WebSocket: packages.WebSocket });
  const [ada, bob] = [enter(one), enter(other)];
  const heard = [];
  const gaps = [];
  bob.onGap((gap) => gaps.push(gap));
  const hears = (count) =>
    new Promise((resolve) => {
      const stop = bob.on("said", ({ text }) => {
        heard.push(text);
        if (heard.length < count) return;
        stop();
        resolve();
      });
    });
  await Promise.all([ada, bob].map((client) => client.send("say", { text: "entered", quietly: true })));
  const both = hears(1);
  await ada.send("say", { text: "hello" });
  await both;
  const resumed = hears(2);
  const away = isIn(bob, "away");
  other.cut();
  await away;
  await ada.send("say", { text: "are you there?" });
  await resumed;
  await isIn(bob, "joined");
  if (gaps.length > 0) heard.push(`gaps: ${JSON.stringify(gaps)}`);
  heard.push(`resumed: ${other.runtime.counters().resumed}`);
  await Promise.all([ada.close(), bob.close()]);
  await Promise.all([one.close(), other.close()]);
  return heard;
}

async function startNode({ contractConsumer, createRuntime, frames, handlers, relay }, room, layer) {
  class Room extends contractConsumer(room) {
    static layer = "chat";
    static on = handlers({ said: relay });
    static frames = frames({
      async say({ text, quietly }) {
        if (!quietly) await this.groupSend(this.scope.params.room, { type: "said", text });
      },
    });
    connect() {
      return this.groupAdd(this.scope.params.room);
    }
  }
  const runtime = createRuntime({ layers: { chat: layer }, pingIntervalMs: 3_000 });
  runtime.route(Room);
  const server = createServer();
  const sockets = new Set();
  server.on("connection", (socket) => sockets.add(socket));
  runtime.attach(server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    runtime,
    url: `http://127.0.0.1:${server.address().port}`,
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    async close() {
      await runtime.close();
      server.close();
      await once(server, "close");
    },
  };
}

/** Resolves once the client is in the given state. */
function isIn(client, state) {
  return new Promise((resolve) => {
    const stop = client.onStatus((status) => {
      if (status.state !== state) return;
      stop();
      resolve();
    });
    if (client.status.state === state) {
      stop();
      resolve();
    }
  });
}
