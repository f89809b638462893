import { once } from "node:events";
import { expect } from "chai";
import { type Communicator, communicate } from "greenroom/testing";
import { until } from "../layers/support/until.ts";
import { openPremises, type Premises } from "../runtime/support/premises.ts";
import { Client } from "../support/client.ts";
import { gate } from "../support/gate.ts";
import { usedHeap } from "./support/heap.ts";

const kinds = ["class", "machine"] as const;
const batch = 100;
/** How often each case runs without sockets, and with sockets. */
const virtual = 9_000;
const real = 1_000;

describe("closing at the wrong moment, ten thousand times", () => {
  let premises: Premises;
  let bystander: Client;
  let before: ReturnType<Premises["census"]>;
  let heap: number;
  beforeEach(async () => {
    premises = await openPremises();
    bystander = await premises.enter("class");
    // The channels of the bystander and of the runtime itself.
    for (const channel of premises.chat.channels) await premises.chat.groupDiscard("guests", channel);
    before = premises.census();
    heap = await usedHeap();
  });
  afterEach(() => premises.close());

  /** @param disconnects the expected number of `disconnect` calls. */
  async function expectNothingLeft(disconnects: number): Promise<void> {
    await premises.returned(before);
    bystander.send('{"type":"echo"}');
    expect(String(await bystander.next())).to.equal('{"type":"echo"}');
    expect(premises.book.disconnects).to.equal(disconnects);
    expect(premises.failures).to.deep.equal([]);
    const { channels } = premises.chat;
    expect(await premises.chat.living(channels.slice(-batch))).to.deep.equal([]);
    // This spec keeps the names of all channels: about 100 bytes each.
    expect((await usedHeap()) - heap).to.be.below(4_000_000 + 100 * channels.length);
  }

  const newcomer = (index: number): Communicator => {
    const { runtime, Guest, GuestMachine } = premises;
    return kinds[index % 2] === "class"
      ? communicate(Guest, { runtime })
      : communicate(GuestMachine, { runtime });
  };

  async function inBatches(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
    for (let done = 0; done < count; done += batch)
      await Promise.all(Array.from({ length: batch }, (_, index) => work(index)));
  }

  it("while connect works", async () => {
    for (let done = 0; done < virtual; done += batch) {
      const door = gate();
      premises.book.door = door.opened;
      const clients = Array.from({ length: batch }, () =>
        communicate(premises.Guest, { runtime: premises.runtime }),
      );
      for (const client of clients) void client.connect();
      await until(() => premises.runtime.size === 1 + batch);
      const leaving = clients.map((client) => client.disconnect(1006));
      door.open();
      await Promise.all(leaving);
    }
    for (let done = 0; done < real; done += batch) {
      const door = gate();
      premises.book.door = door.opened;
      const clients = Array.from({ length: batch }, () => new Client(`${premises.url}/class`));
      await until(() => premises.runtime.size === 1 + batch);
      for (const { websocket } of clients) websocket.terminate();
      await until(() => premises.sockets.size === 1);
      door.open();
    }
    await expectNothingLeft(0);
  });

  it("while a join is under way", async () => {
    const { chat, runtime, sockets, url } = premises;
    for (let done = 0; done < virtual; done += batch) {
      const join = gate();
      const clients = Array.from({ length: batch }, (_, index) => newcomer(index));
      chat.backend.hold = join.opened;
      await Promise.all(clients.map((client) => client.connect()));
      const leaving = clients.map((client) => client.disconnect(1006));
      join.open();
      await Promise.all(leaving);
    }
    for (let done = 0; done < real; done += batch) {
      const join = gate();
      chat.backend.hold = join.opened;
      const clients = Array.from({ length: batch }, (_, index) => new Client(`${url}/${kinds[index % 2]}`));
      await Promise.all(clients.map(({ websocket }) => once(websocket, "open")));
      for (const { websocket } of clients) websocket.terminate();
      await until(() => sockets.size === 1);
      join.open();
      await until(() => runtime.size === 1);
    }
    await expectNothingLeft(virtual + real);
  });

  it("while a group is sent to", async () => {
    const { chat } = premises;
    const tell = (number: number) => chat.groupSend("guests", { type: "news", number });
    for (let done = 0; done < virtual; done += batch) {
      const clients = Array.from({ length: batch }, (_, index) => newcomer(index));
      await Promise.all(clients.map((client) => client.connect()));
      await Promise.all(clients.map((client) => client.receive()));
      for (let number = 0; number < 3; number += 1) await tell(number);
      // One third before the message arrives, one third while handlers run, one third afterwards.
      const leaving = clients.filter((_, index) => index % 3 === 0).map((client) => client.disconnect());
      await new Promise((resolve) => setImmediate(resolve));
      leaving.push(...clients.filter((_, index) => index % 3 === 1).map((client) => client.disconnect()));
      await Promise.all(clients.filter((_, index) => index % 3 === 2).map((client) => client.receiveJson()));
      await Promise.all([...leaving, ...clients.map((client) => client.disconnect())]);
    }
    await inBatches(real, async (index) => {
      const client = await premises.enter(kinds[index % 2] ?? "class");
      const telling = tell(index);
      if (index % 2 === 0) await client.next();
      client.websocket.terminate();
      await telling;
    });
    await expectNothingLeft(virtual + real);
  });
});

describe("one hundred thousand actors", () => {
  const count = 100_000;

  it("leave the heap as it was, once they have been stopped", async () => {
    const premises = await openPremises();
    const { runtime, Guest } = premises;
    const round = async (size: number) => {
      const actors = await Promise.all(Array.from({ length: size }, () => runtime.spawn(Guest)));
      const most = await usedHeap();
      await Promise.all(actors.map((actor) => actor.stop()));
      premises.chat.channels.length = 0;
      return most;
    };
    // Allocated once: compiled code, caches, the capacity of maps, the heartbeat of the node.
    await round(10_000);
    const before = premises.census();
    const heap = await usedHeap();
    const most = await round(count);
    expect(premises.book.disconnects).to.equal(10_000 + count);
    await premises.returned({ ...before, topics: premises.chat.topics });
    const groups = premises.chat.topics.filter((topic) => topic.includes("__group__"));
    expect(groups).to.deep.equal(["spec__group__greenroom.nodes"]);
    // Each actor took more than a kilobyte. Any leak would exceed ten bytes per actor: even a map entry is
    // larger.
    expect(most - heap).to.be.above(1_000 * count);
    // Some memory is freed later than its owner.
    await until(async () => (await usedHeap()) - heap < 10 * count);
    await premises.close();
  });
});
