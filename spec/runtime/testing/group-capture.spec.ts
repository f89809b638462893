import { expect } from "chai";
import {
  createRuntime,
  handlers,
  type Inbox,
  InvalidNameError,
  MemoryBus,
  MemoryLayer,
  UnknownChannelError,
  WebSocketConsumer,
} from "greenroom";
import { RedisPubSubLayer, RedisStreamsLayer } from "greenroom/redis";
import { captureGroup, communicate, ExpectationError } from "greenroom/testing";
import { gate } from "../../support/gate.ts";
import { type RedisServer, startRedisServer } from "../../support/redis-server.ts";

interface Messages {
  said: { text: string };
}

class Room extends WebSocketConsumer<{ messages: Messages }> {
  static override readonly layer = "chat";
  static override readonly on = handlers<Room>({
    said({ text }) {
      this.send(text);
    },
  });
  override async connect() {
    await this.groupAdd("room");
  }
  override async receive(text: string) {
    await this.groupSend("room", { type: "said", text }, { except: this.channel });
  }
}

const said = (text: string) => ({ type: "said", text }) as const;

/** The message of the error. */
async function failure(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).to.be.instanceOf(ExpectationError);
  return (error as Error).message;
}

describe("captureGroup", () => {
  it("gets the messages of consumers to a group, also those with `except`, and none of another group", async () => {
    const chat = new MemoryLayer<Messages>();
    await using runtime = createRuntime({ layers: { chat } });
    await using room = await captureGroup(chat, "room", { runtime });
    await using other = await captureGroup(chat, "other", { runtime });
    const client = communicate(Room, { runtime });
    await client.connect();
    client.send("one");
    client.send("two");
    expect(await room.next()).to.deep.equal(said("one"));
    expect(await room.next()).to.deep.equal(said("two"));
    expect(room.all).to.deep.equal([said("one"), said("two")]);
    await room.nothing();
    await other.nothing();
    expect(other.all).to.deep.equal([]);
    await client.receiveNothing();
    await client.disconnect();
  });

  it("gets the messages of other nodes, but none that were sent before", async () => {
    const bus = new MemoryBus();
    const [here, there] = [new MemoryLayer<Messages>({ bus }), new MemoryLayer<Messages>({ bus })];
    await there.groupSend("room", said("before"));
    await using room = await captureGroup(here, "room");
    await there.groupSend("room", said("after"));
    expect(await room.next()).to.deep.equal(said("after"));
    await Promise.all([here.close(), there.close()]);
  });

  it("returns a message to the next call after a timeout, and says what it has got", async () => {
    const chat = new MemoryLayer<Messages>();
    await using room = await captureGroup(chat, "room");
    expect(await failure(room.next({ timeoutMs: 1 }))).to.equal(
      'No message to the group arrived within 1 ms (group "room", read before: 0, waiting: nothing).',
    );
    await chat.groupSend("room", said("late"));
    expect(await room.next()).to.deep.equal(said("late"));
    for (let count = 0; count < 12; count += 1) await chat.groupSend("room", said("more"));
    expect(await failure(room.nothing())).to.equal(
      'Expected no more messages to the group, but some arrived (group "room", read before: 1, ' +
        `waiting: ${"said, ".repeat(10)}and 2 more).`,
    );
    await chat.close();
  });

  it("gives each of two readers a message", async () => {
    const chat = new MemoryLayer<Messages>();
    await using room = await captureGroup(chat, "room");
    const [one, two] = [room.next(), room.next()];
    await chat.groupSend("room", said("one"));
    expect(await one).to.deep.equal(said("one"));
    await chat.groupSend("room", said("two"));
    expect(await two).to.deep.equal(said("two"));
    await chat.close();
  });

  it("waits in nothing() for messages in flight, and for handlers of the runtime", async () => {
    const chat = new MemoryLayer<Messages>();
    const opened = gate();
    class Slow extends Room {
      override async receive(text: string) {
        await opened.opened;
        await super.receive(text);
      }
    }
    await using runtime = createRuntime({ layers: { chat } });
    await using room = await captureGroup(chat, "room", { runtime });
    void chat.groupSend("room", said("in flight"));
    expect(await failure(room.nothing())).to.match(/waiting: said\)/);
    await room.next();
    const client = communicate(Slow, { runtime });
    await client.connect();
    client.send("slow");
    expect(await failure(room.nothing({ timeoutMs: 1 }))).to.match(/^Not settled after 1 ms/);
    opened.open();
    expect(await failure(room.nothing())).to.match(/waiting: said\)/);
    await client.disconnect();
  });

  for (const [how, end] of Object.entries({
    "it is closed": (_: MemoryLayer<Messages>, close: () => Promise<void>) => close(),
    "its layer is closed": (layer: MemoryLayer<Messages>) => layer.close(),
    "its layer is flushed": (layer: MemoryLayer<Messages>) => layer.flush(),
  })) {
    it(`ends its iteration if ${how}`, async () => {
      const chat = new MemoryLayer<Messages>();
      const room = await captureGroup(chat, "room");
      await chat.groupSend("room", said("one"));
      await chat.groupSend("room", said("two"));
      await room.next();
      const rest: unknown[] = [];
      for await (const message of room) {
        rest.push(message);
        await end(chat, () => room.close());
      }
      expect(rest).to.deep.equal([said("two")]);
      expect(await failure(room.next())).to.match(/^The capture has ended/);
      await room.close();
      await room.close();
      await chat.close();
    });
  }

  it("is a member no more after its end", async () => {
    const chat = new MemoryLayer<Messages>();
    const room = await captureGroup(chat, "room");
    await room.close();
    await chat.groupSend("room", said("late"));
    expect(room.all).to.deep.equal([]);
    expect(chat.local.groupCount).to.equal(0);
    await chat.close();
  });

  // The channel stayed until the layer was closed.
  it("rejects if the name of the group is illegal, and leaves no channel", async () => {
    const channels: string[] = [];
    class Noting extends MemoryLayer<Messages> {
      override async newChannel(inbox: Inbox) {
        const channel = await super.newChannel(inbox);
        channels.push(channel);
        return channel;
      }
    }
    const chat = new Noting();
    const error = await captureGroup(chat, "no name").catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(InvalidNameError);
    expect(channels).to.have.length(1);
    for (const channel of channels) {
      const unknown = await chat.groupAdd("room", channel).catch((reason: unknown) => reason);
      expect(unknown).to.be.instanceOf(UnknownChannelError);
    }
    await chat.close();
  });

  describe("on Redis", () => {
    let redis: RedisServer;
    before(async () => {
      redis = await startRedisServer();
    });
    after(() => redis.stop());

    for (const Layer of [RedisPubSubLayer, RedisStreamsLayer]) {
      it(`gets the messages of another process (${Layer.name}), and needs a time to find none`, async () => {
        const options = { url: redis.url, prefix: Layer.name };
        const [here, there] = [new Layer<Messages>(options), new Layer<Messages>(options)];
        const room = await captureGroup(here, "room");
        expect(await failure(room.nothing())).to.match(/does not count its messages in flight/);
        await room.nothing({ forMs: 1 });
        await there.groupSend("room", said("from afar"));
        expect(await room.next({ timeoutMs: 8_000 })).to.deep.equal(said("from afar"));
        await room.close();
        await Promise.all([here.close(), there.close()]);
      });
    }
  });
});
