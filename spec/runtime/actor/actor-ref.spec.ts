import { expect } from "chai";
import { createRuntime, type Scope, WebSocketConsumer } from "greenroom";
import { settle } from "greenroom/testing";

describe("ActorRef", () => {
  class Reader extends WebSocketConsumer {
    static log: unknown[] = [];
    override onAway() {
      Reader.log.push("onAway");
      this.send("kept");
    }
    override onOnline({ path, query, user }: Scope) {
      Reader.log.push([path, query.get("tab"), user]);
    }
    override disconnect(code: number) {
      Reader.log.push(code);
    }
  }

  beforeEach(() => {
    Reader.log = [];
  });

  it("takes an actor away and back, with the scope for onOnline", async () => {
    await using runtime = createRuntime();
    const scope = { path: "/ws/read", query: new URLSearchParams("tab=1"), user: "ada" };
    const actor = await runtime.spawn(Reader, scope);
    actor.away();
    actor.away();
    expect(actor.machine.getSnapshot().value).to.deep.equal({ joined: "away" });
    await settle(runtime);
    expect(await actor.outgoing.next()).to.deep.equal({ done: false, value: "kept" });
    actor.online({ query: new URLSearchParams("tab=2") });
    actor.online();
    expect(actor.machine.getSnapshot().value).to.deep.equal({ joined: "online" });
    await settle(runtime);
    actor.away();
    await settle(runtime);
    actor.online();
    await settle(runtime);
    expect(Reader.log).to.deep.equal([
      "onAway",
      ["/ws/read", "2", "ada"],
      "onAway",
      ["/ws/read", "1", "ada"],
    ]);
  });

  it("does nothing to an actor that is not away, or has ended", async () => {
    await using runtime = createRuntime();
    const actor = await runtime.spawn(Reader);
    actor.online();
    actor.away(1001, "reload");
    expect(await actor.stop()).to.deep.equal({ code: 1000, reason: "", by: "client" });
    actor.online();
    actor.away();
    expect(actor.machine.getSnapshot().value).to.equal("closed");
    expect(Reader.log).to.deep.equal(["onAway", 1000]);
  });
});
