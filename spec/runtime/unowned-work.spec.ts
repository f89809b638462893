import type { AsyncLocalStorage } from "node:async_hooks";
import { once } from "node:events";
import { expect } from "chai";
import { createRuntime, type Mail, MemoryLayer, WebSocketConsumer } from "greenroom";
import { CallbackOwner } from "../../layers/error-reporter.ts";
import { AsyncErrorOwner } from "../../runtime/async-error-owner.ts";
import { Client } from "../support/client.ts";
import { serve, stopServing, unlessByMachine } from "../support/serving.ts";

const shared = (globalThis as Record<symbol, unknown>)[Symbol.for("greenroom.async-errors.1")];
const { owners: storage } = shared as { readonly owners: AsyncLocalStorage<unknown> };

/** The owner that the listeners for uncaught errors would find for the running code. */
const owner = () => storage.getStore();

describe("Work that an actor causes and that belongs to no actor", () => {
  afterEach(stopServing);

  class Actor extends WebSocketConsumer {
    static override readonly layer: string | undefined = "chat";
    override async receive(text: string) {
      expect(owner()).not.to.equal(undefined);
      if (text === "throw") throw new Error("thrown");
      else await this.layers.chat?.groupSend("room", { type: "note" });
    }
  }

  it("includes the delivery of a memory layer to other inboxes", async () => {
    // Without exit(), an actor of an earlier spec could own this one.
    const chat = storage.exit(() => new MemoryLayer());
    const runtime = createRuntime({ layers: { chat } });
    const owners: unknown[] = [];
    const delivered = new Promise<void>((resolve) => {
      const inbox = {
        deliver: (_mail: Mail) => {
          if (owners.push(owner()) === 2) resolve();
        },
        gap() {},
      };
      void Promise.all([1, 2].map(async () => chat.groupAdd("room", await chat.newChannel(inbox)))).then(
        async () => (await runtime.spawn(Actor)).receive("publish"),
      );
    });
    await delivered;
    expect(owners).to.have.length(2);
    for (const found of owners) expect(found).to.be.instanceOf(CallbackOwner);
    await runtime.close();
  });

  it("includes onError", async () => {
    const owners: unknown[] = [];
    const runtime = createRuntime({
      layers: { chat: new MemoryLayer() },
      onError: unlessByMachine(() => owners.push(owner())),
    });
    (await runtime.spawn(Actor)).receive("throw");
    while (owners.length === 0) await new Promise(setImmediate);
    expect(owners).to.have.length(1);
    expect(owners[0]).not.to.be.instanceOf(AsyncErrorOwner);
    await runtime.close();
  });

  it("includes writing the frames of several senders", async () => {
    const owners: unknown[] = [];
    class Sender extends WebSocketConsumer {
      override receive() {
        this.send("!");
        const { write } = socket;
        socket.write = (...args: never[]) => {
          owners.push(owner());
          return write.apply(socket, args) as never;
        };
      }
    }
    const { runtime, url, server } = await storage.exit(() => serve({ layers: {} }));
    runtime.route("/ws", Sender);
    const connecting = once(server, "connection");
    const client = await Client.open(`${url}/ws`);
    const [socket] = await connecting;
    client.send("?");
    await client.next();
    expect(owners).to.have.length(1);
    expect(owners[0]).not.to.be.instanceOf(AsyncErrorOwner);
  });
});
