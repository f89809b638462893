import { expect } from "chai";
import { CloseError, MemoryBus, MemoryLayer, WebSocketConsumer } from "greenroom";
import { until } from "../../layers/support/until.ts";
import { Client } from "../../support/client.ts";
import { serve, stopServing } from "../../support/serving.ts";
import { Clerk, codeOf, query, startCluster, stopCluster } from "../support/cluster.ts";

describe("Tags", () => {
  afterEach(() => Promise.all([stopCluster(), stopServing()]));

  it("count actors on all nodes, until the actors stop or remove the tag", async () => {
    class Fickle extends Clerk {
      override receive(text: string) {
        if (text === "untag") this.untag("user.42");
        else this.tag(text);
        this.send("done");
      }
    }
    const [here, there] = await startCluster(2);
    const one = await here.spawn(Clerk, query("tag=user.42"));
    const two = await there.spawn(Fickle, query("tag=user.42"));
    await there.spawn(Clerk, query("tag=user.43"));
    expect(await here.count("user.42")).to.deep.equal({ count: 2, missing: [] });
    expect(await there.count("user.44")).to.deep.equal({ count: 0, missing: [] });
    for (const [text, count] of [
      ["user.42", 2],
      ["untag", 1],
      ["untag", 1],
      ["user.42", 2],
    ] as const) {
      two.receive(text);
      await two.outgoing.next();
      expect((await here.count("user.42")).count).to.equal(count);
    }
    await one.stop();
    await two.stop();
    expect((await here.count("user.42")).count).to.equal(0);
  });

  it("disconnect their actors on every node with the code and reason", async () => {
    const [here, there] = await startCluster(2);
    const actors = [
      await here.spawn(Clerk, query("tag=user.42")),
      await there.spawn(Clerk, query("tag=user.42")),
    ];
    const other = await there.spawn(Clerk, query("tag=user.43"));
    expect(await here.disconnect("user.42", 4001, "Signed out")).to.deep.equal({ count: 2, missing: [] });
    for (const { done } of actors) {
      expect(await done).to.deep.equal({ code: 4001, reason: "Signed out", by: "runtime" });
    }
    expect(other.machine.getSnapshot().value).to.equal("joined");
  });

  it("close the WebSocket of an actor", async () => {
    const bus = new MemoryBus();
    const { runtime, url } = await serve({ layers: { chat: new MemoryLayer({ bus }) } });
    class Tagged extends WebSocketConsumer {
      override connect() {
        this.tag("user.42");
      }
    }
    runtime.route("/ws", Tagged);
    const client = await Client.open(`${url}/ws`);
    const [other] = await startCluster(1, {}, bus);
    await other.disconnect("user.42", 4001, "Signed out");
    expect(await client.closed).to.deep.equal({ code: 4001, reason: "Signed out" });
  });

  it("are refused if the name or the close code is invalid", async () => {
    const [here] = await startCluster(1);
    expect(await here.count("user 42").catch(codeOf)).to.equal("ERR_INVALID_NAME");
    expect(await here.disconnect("user.42", 1006).catch((error) => error)).to.be.instanceOf(CloseError);
    expect(await here.spawn(Clerk, query("tag=not+ok")).catch(codeOf)).to.equal("ERR_INVALID_NAME");
    expect(await here.count("__proto__")).to.deep.equal({ count: 0, missing: [] });
  });

  it("are not added to a stopping actor", async () => {
    class Late extends Clerk {
      override disconnect() {
        this.tag("user.42");
      }
    }
    const [here] = await startCluster(1);
    await (await here.spawn(Late)).stop();
    expect((await here.count("user.42")).count).to.equal(0);
    await until(() => here.size === 0);
  });
});
