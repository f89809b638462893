import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { RedisStreamsLayer } from "greenroom/redis";
import { bundled } from "../../support/bundled.ts";
import { type RunningProcess, startProcess } from "../../support/child-process.ts";
import { startForwarder } from "../../support/forwarder.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { redisUrl } from "../../support/redis.ts";
import { RelayReader } from "../support/relay-reader.ts";

/** The sender waits if a client is behind by this number of messages: the history has room for 1,000. */
const maxBehind = 500;

const program = fileURLToPath(new URL("../support/relay-node.ts", import.meta.url));

describe("The death of a node", function () {
  this.timeout(60_000);

  it("costs no relayed message", async () => {
    const prefix = `death-${randomBytes(6).toString("hex")}`;
    let port = 0;
    const startNode = async (): Promise<{ readonly process: RunningProcess; readonly port: number }> => {
      let found = 0;
      const args = [await bundled(program), redisUrl(), prefix];
      const running = await startProcess(process.execPath, args, (line) => {
        found = Number(/^port (\d+)$/.exec(line)?.[1] ?? found);
        return found !== 0;
      });
      return { process: running, port: found };
    };
    const forwarder = await startForwarder(() => ({ host: "127.0.0.1", port }));
    const sender = new RedisStreamsLayer({ url: redisUrl(), prefix, capacity: 1_000 });
    const nodes = await Promise.all([startNode(), startNode(), startNode()]);
    const [first] = nodes;
    port = first.port;
    const readers = Array.from(
      { length: 20 },
      () => new RelayReader(`http://127.0.0.1:${forwarder.port}`, "room"),
    );
    await Promise.all(readers.map((reader) => reader.is("joined")));
    let last = 0;
    let isDone = false;
    const sending = (async () => {
      while (!isDone) {
        const received = Math.min(...readers.map(({ numbers }) => numbers.at(-1) ?? 0));
        if (last - received < maxBehind) await sender.groupSend("room", { type: "said", n: ++last });
        await nextTurn();
      }
    })();
    await Promise.all(readers.map((reader) => reader.receive(3)));
    for (const [index, next] of nodes.slice(1).entries()) {
      const dying = nodes[index];
      port = next.port;
      process.kill(dying?.process.pid ?? 0, "SIGKILL");
      await dying?.process.exited;
      const target = last + 20;
      await Promise.all(readers.map((reader) => reader.receive(target)));
    }
    isDone = true;
    await sending;
    await Promise.all(readers.map((reader) => reader.receive(last)));
    for (const { numbers, gaps } of readers) {
      const [begin = 0] = numbers;
      expect(begin).to.be.within(1, 3);
      expect(numbers).to.deep.equal(Array.from({ length: last - begin + 1 }, (_, index) => begin + index));
      expect(gaps).to.deep.equal([{ fresh: true }, { fresh: true }]);
    }
    await Promise.all(readers.map(({ client }) => client.close()));
    process.kill(nodes[2].process.pid, "SIGKILL");
    await sender.close();
    await forwarder.close();
  });
});
