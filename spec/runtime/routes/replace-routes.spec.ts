import { expect } from "chai";
import { WebSocketConsumer } from "greenroom";
import { connect } from "greenroom/client";
import { inspector } from "greenroom/inspector";
import { WebSocket } from "ws";
import { Client } from "../../support/client.ts";
import { serve, stopServing } from "../../support/serving.ts";

/** Answers each frame with its own name. */
const named = (name: string) =>
  class extends WebSocketConsumer {
    override receive() {
      this.send(name);
    }
  };

async function nameOf(client: Client): Promise<unknown> {
  client.send("?");
  return client.next();
}

describe("Runtime#replaceRoutes", () => {
  afterEach(stopServing);

  it("makes the new routes the only ones, and leaves connections and the inspector alone", async () => {
    const { runtime, url } = await serve({ layers: {} });
    inspector(runtime, { path: "/inspect" });
    runtime.route("/ws", named("one"));
    runtime.route("/old", named("old"));
    const client = await Client.open(`${url}/ws`);
    runtime.replaceRoutes((runtime) => runtime.route("/ws", named("two")));
    expect(await nameOf(client)).to.equal("one");
    expect(await nameOf(await Client.open(`${url}/ws`))).to.equal("two");
    expect(await Client.refused(`${url}/old`)).to.include({ status: 404 });
    expect((await fetch(`${url}/inspect`)).status).not.to.equal(404);
  });

  it("keeps the earlier routes if the new ones throw or come too late", async () => {
    const { runtime, url } = await serve({ layers: {} });
    runtime.route("/ws", named("one"));
    const broken = () => {
      runtime.route("/new", named("new"));
      throw new Error("broken");
    };
    expect(() => runtime.replaceRoutes(broken, { reconnect: true })).to.throw("broken");
    const late = async () => {
      runtime.route("/new", named("new"));
      throw new Error("late");
    };
    expect(() => runtime.replaceRoutes(late))
      .to.throw("it was async")
      .with.property("code", "ERR_ROUTE");
    expect(await nameOf(await Client.open(`${url}/ws`))).to.equal("one");
    expect(await Client.refused(`${url}/new`)).to.include({ status: 404 });
  });

  it("closes the connections of replaced consumers on request, and no spawned actors", async () => {
    const { runtime, url } = await serve({ layers: {} });
    const [Kept, Replaced] = [named("kept"), named("replaced")];
    runtime.route("/kept", Kept);
    runtime.route("/replaced", Replaced);
    const spawned = await runtime.spawn(Replaced);
    const [kept, replaced] = [await Client.open(`${url}/kept`), await Client.open(`${url}/replaced`)];
    runtime.replaceRoutes(() => runtime.route("/moved", Kept), { reconnect: true });
    expect(await replaced.closed).to.deep.equal({ code: 1001, reason: "The consumer was replaced" });
    expect(await nameOf(kept)).to.equal("kept");
    expect(spawned.machine.getSnapshot().matches("joined")).to.equal(true);
  });

  it("gives a client with a session the new consumer, and tells it of the gap", async () => {
    const { runtime, url } = await serve({ layers: {} });
    runtime.route("/ws", named("one"));
    const client = connect({ url: `${url}/ws`, WebSocket });
    const fresh = new Promise((resolve) => client.onGap(resolve));
    const answer = async () => {
      const next = new Promise((resolve) => client.on("text", resolve));
      await client.send("?");
      return next;
    };
    expect(await answer()).to.equal("one");
    runtime.replaceRoutes(() => runtime.route("/ws", named("two")), { reconnect: true });
    expect(await fresh).to.include({ fresh: true });
    expect(await answer()).to.equal("two");
    await client.close();
  });
});
