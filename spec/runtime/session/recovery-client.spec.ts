import { randomBytes } from "node:crypto";
import { expect } from "chai";
import { type ChannelLayer, MemoryBus, MemoryLayer } from "greenroom";
import { RedisStreamsLayer } from "greenroom/redis";
import { until } from "../../layers/support/until.ts";
import { type Forwarder, startForwarder } from "../../support/forwarder.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { redisUrl } from "../../support/redis.ts";
import { type Serving, serve, stopServing } from "../../support/serving.ts";
import { RelayReader } from "../support/relay-reader.ts";
import { Room } from "../support/relay-room.ts";

/** The sender waits if the client is behind by this number of messages: the history has room for 1,000. */
const maxBehind = 500;

type Node = Serving<{ chat: ChannelLayer }, { id: string }>;

describe("greenroom/client after the death of its node", () => {
  let forwarder: Forwarder;
  let port: number;
  let reader: RelayReader | undefined;
  let sender: ChannelLayer;
  beforeEach(async () => {
    forwarder = await startForwarder(() => ({ host: "127.0.0.1", port }));
  });
  afterEach(async () => {
    await reader?.client.close();
    await stopServing();
    await sender.close();
    await forwarder.close();
  });

  const prefix = () => `client-${randomBytes(6).toString("hex")}`;
  const kinds = {
    MemoryLayer: () => {
      const shared = { bus: new MemoryBus({ capacity: 1_000 }), prefix: prefix() };
      return () => new MemoryLayer(shared);
    },
    RedisStreamsLayer: () => {
      const shared = { url: redisUrl(), prefix: prefix(), capacity: 1_000 };
      return () => new RedisStreamsLayer(shared);
    },
  };

  async function node(start: () => ChannelLayer): Promise<Node> {
    const serving = await serve({ layers: { chat: start() }, guards: [() => ({ user: { id: "ada" } })] });
    serving.runtime.route(Room);
    return serving;
  }

  /** Makes the client find another node, as a load balancer does after a death. */
  function moveTo({ url }: Node): void {
    port = Number(new URL(url).port);
    forwarder.cut();
  }

  for (const [kind, prepare] of Object.entries(kinds)) {
    it(`gets each relayed message once and in order, on a ${kind}`, async () => {
      const start = prepare();
      const nodes = [await node(start), await node(start)] as const;
      sender = start();
      moveTo(nodes[0]);
      reader = new RelayReader(`http://127.0.0.1:${forwarder.port}`, "room");
      await reader.is("joined");
      let last = 0;
      const send = () => sender.groupSend("room", { type: "said", n: ++last });
      await send();
      await reader.receive(1);
      let isDone = false;
      const sending = (async () => {
        while (!isDone) {
          if (last - (reader?.numbers.length ?? 0) < maxBehind) await send();
          await nextTurn();
        }
      })();
      moveTo(nodes[1]);
      await until(() => reader?.gaps.length === 1);
      await reader.receive(last + 1);
      isDone = true;
      await sending;
      await reader.receive(last);
      expect(reader.numbers).to.deep.equal(Array.from({ length: last }, (_, index) => index + 1));
      expect(reader.gaps).to.deep.equal([{ fresh: true }]);
      expect(reader.payloads[0]).to.deep.equal({ n: 1 });
      expect(nodes.flatMap(({ failures }) => failures)).to.deep.equal([]);
    });
  }
});
