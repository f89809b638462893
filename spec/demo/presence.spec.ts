import { expect } from "chai";
import { createRuntime, MemoryLayer, WebSocketConsumer } from "greenroom";
import { RoomPresence } from "../../demo/consumers/presence.ts";
import { type Demo, startDemo } from "../../demo/server.ts";
import { Client } from "../support/client.ts";
import { nextTurn } from "../support/next-turn.ts";

describe("the demo's presence", () => {
  let demo: Demo;
  beforeEach(async () => {
    demo = await startDemo({ port: 0 });
  });
  afterEach(() => demo.close());

  const open = (path: string) => Client.open(`${demo.url}${path}`);
  const receive = async (client: Client) => JSON.parse(String(await client.next()));

  /** Opens a connection; resolves once it is a member of its room. */
  async function join(room: string, name: string): Promise<Client> {
    const client = await open(`/ws/room/${room}?name=${encodeURIComponent(name)}`);
    await client.next();
    return client;
  }

  it("reports the members of a room, and each change, to a client that is not a member", async () => {
    const before = Date.now();
    const ada = await join("stage", "Ada");
    await join("elsewhere", "Eve");
    const watcher = await open("/ws/presence/stage");
    const { type, members } = await receive(watcher);
    expect([type, members.map(({ key }: { key: string }) => key)]).to.deep.equal(["presence", ["Ada"]]);
    expect(members[0].since).to.be.within(before, Date.now());
    await join("stage", "<b>Ben</b>");
    expect(await receive(watcher)).to.deep.equal({ type: "joined", key: "<b>Ben</b>" });
    await ada.close();
    expect(await receive(watcher)).to.deep.equal({ type: "left", key: "Ada" });
  });

  it("lists a member with two connections once, until both have closed", async () => {
    const watcher = await open("/ws/presence/stage");
    expect(await receive(watcher)).to.deep.equal({ type: "presence", members: [] });
    const [one, two] = [await join("stage", "Ada"), await join("stage", "Ada")];
    expect(await receive(watcher)).to.deep.equal({ type: "joined", key: "Ada" });
    await one.close();
    const ben = await join("stage", "Ben");
    expect(await receive(watcher)).to.deep.equal({ type: "joined", key: "Ben" });
    await two.close();
    expect(await receive(watcher)).to.deep.equal({ type: "left", key: "Ada" });
    await ben.close();
    expect(await receive(watcher)).to.deep.equal({ type: "left", key: "Ben" });
  });

  for (const [first, then, frames] of [
    [
      "come",
      "go",
      ['{"type":"presence","members":[{"key":"Ada","since":1}]}', '{"type":"left","key":"Ada"}'],
    ],
    ["go", "come", ['{"type":"presence","members":[]}', '{"type":"joined","key":"Ada"}']],
  ] as const) {
    it(`does not repeat "${first}" in the turn of the event loop in which the client connects`, async () => {
      class Member extends WebSocketConsumer {
        override receive(text: string) {
          if (text === "come") this.track("room_stage", { since: 1 }, { key: "Ada" });
          else this.untrack("room_stage");
        }
      }
      class Early extends RoomPresence {
        override connect() {
          member.receive(first);
          return super.connect();
        }
      }
      await using runtime = createRuntime({ layers: { chat: new MemoryLayer() } });
      const member = await runtime.spawn(Member);
      if (first === "go") {
        member.receive("come");
        await nextTurn();
      }
      const watcher = await runtime.spawn(Early, { params: { room_name: "stage" } });
      await nextTurn();
      member.receive(then);
      expect([(await watcher.outgoing.next()).value, (await watcher.outgoing.next()).value]).to.deep.equal(
        frames,
      );
    });
  }

  it("lists members without a name as guests, and truncates long names", async () => {
    const list = async (): Promise<string[]> => {
      const { members } = await receive(await open("/ws/presence/stage"));
      return members.map(({ key }: { key: string }) => key);
    };
    const nameless = ["", "?name=%20%20%20", `?name=${encodeURIComponent("\u202e\u200b\0")}`];
    for (const [index, query] of nameless.entries()) {
      // The names of guests are random: a guest with the name of an earlier one is not a new member.
      do await open(`/ws/room/stage${query}`).then((client) => client.next());
      while ((await list()).length === index);
    }
    await join("stage", `${"x".repeat(39)}😀y`);
    const names = await list();
    expect(names).to.have.length(4);
    for (const name of names.slice(0, 3)) expect(name).to.match(/^Guest .{4}$/);
    expect(names[3]).to.equal(`${"x".repeat(39)}😀`);
  });

  it("refuses invalid room names, as the room itself does", async () => {
    expect(await Client.refused(`${demo.url}/ws/presence/a%20b`)).to.include({ status: 400 });
  });
});
