import { expect } from "chai";
import { machineConsumer, WebSocketConsumer } from "greenroom";
import type { ListRequest } from "../../../inspector/protocol.ts";
import { gate } from "../../support/gate.ts";
import { inspectRuntime, light, machines, Talk } from "../../support/inspector-runtime.ts";
import { stopServing } from "../../support/serving.ts";

describe("ActorList", () => {
  afterEach(stopServing);

  it("pages and sorts the actors, and reports how many match", async () => {
    const { page, runtime } = await inspectRuntime();
    for (const path of ["/ws/1", "/ws/2", "/ws/3"]) await runtime.spawn(Talk, { path });
    const paths = async (request: Partial<ListRequest>) => {
      const { matched, rows } = await page.list(request);
      return [matched, ...rows.map(({ path }) => path)];
    };
    expect(await paths({ limit: 2 })).to.deep.equal([3, "/ws/1", "/ws/2"]);
    expect(await paths({ limit: 2, offset: 2 })).to.deep.equal([3, "/ws/3"]);
    expect(await paths({ offset: 9 })).to.deep.equal([3]);
    expect(await paths({ sort: "newest" })).to.deep.equal([3, "/ws/3", "/ws/2", "/ws/1"]);
  });

  it("describes an actor's path, state, groups, tags and mailbox", async () => {
    const { page, runtime } = await inspectRuntime();
    const [held, holds] = [gate(), gate()];
    class Busy extends WebSocketConsumer {
      static override readonly layer = "chat";
      override async connect() {
        await this.groupAdd("talk");
        this.tag("user.7");
      }
      override receive() {
        holds.open();
        return held.opened;
      }
    }
    const idle = await runtime.spawn(Talk, { path: "/ws/idle" });
    const busy = await runtime.spawn(Busy, { path: "/ws/busy" });
    for (const text of ["one", "two", "three"]) busy.receive(text);
    await holds.opened;
    const [row, ...others] = (await page.list({ sort: "mailbox", limit: 1 })).rows;
    expect(others).to.deep.equal([]);
    expect(row?.ageMs).to.be.within(0, 10_000);
    expect({ ...row, ageMs: 0 }).to.deep.equal({
      id: busy.machine.sessionId,
      consumer: "c3",
      channel: busy.channel,
      path: "/ws/busy",
      state: "joined.online",
      groups: ["talk"],
      groupCount: 1,
      tags: ["user.7"],
      mailbox: 2,
      busy: true,
      waitingBytes: 0,
      ageMs: 0,
    });
    held.open();
    expect(idle.channel).to.be.a("string");
  });

  it("does not create a channel for an actor that has none", async () => {
    const { page, runtime } = await inspectRuntime();
    class Alone extends WebSocketConsumer {}
    await runtime.spawn(Alone);
    const [row] = (await page.list()).rows;
    expect(row).to.include({ groupCount: 0 }).and.not.have.property("channel");
  });

  it("finds actors by words in channel, consumer, path, state, group, tag and error, by consumer and by state", async () => {
    const { page, runtime, failures } = await inspectRuntime();
    const one = await runtime.spawn(Talk, { path: "/ws/One" });
    const two = await runtime.spawn(Talk, { path: "/ws/two" });
    const lamp = await runtime.spawn(machineConsumer(light), { path: "/ws/lamp" });
    lamp.receive('{"type":"press"}');
    two.receive("leave");
    one.receive("fail");
    while (failures.length === 0) await new Promise(setImmediate);
    const found = async (request: Partial<ListRequest>) =>
      (await page.list(request)).rows.map(({ path }) => path);
    for (const [search, ...paths] of [
      [one.channel, "/ws/One"],
      ["talk", "/ws/One", "/ws/two"],
      ["TALK two", "/ws/two"],
      ["/ws/o", "/ws/One"],
      ["on.dim", "/ws/lamp"],
      ["joined", "/ws/One", "/ws/two", "/ws/lamp"],
      ["path.one", "/ws/One"],
      ["was told", "/ws/One"],
      ["nobody"],
      ["  ", "/ws/One", "/ws/two", "/ws/lamp"],
    ] as const) {
      expect(await found({ search }), search).to.deep.equal(paths);
    }
    expect(await found({ sort: "error", limit: 1 })).to.deep.equal(["/ws/One"]);
    const id = (await page.list({ search: "lamp" })).rows[0]?.consumer ?? "";
    expect(await found({ consumer: id })).to.deep.equal(["/ws/lamp"]);
    expect(await found({ consumer: "c99" })).to.deep.equal([]);
    const own = await machines(page, id);
    const state = (path: string) => ({
      machine: "own" as const,
      mark: own.find(({ kind }) => kind === "own")?.states.find((known) => known.path === path)?.mark ?? "",
    });
    expect(await found({ consumer: id, state: state("on") })).to.deep.equal(["/ws/lamp"]);
    expect(await found({ consumer: id, state: state("off") })).to.deep.equal([]);
    expect(await found({ consumer: "c1", state: { machine: "connection", mark: "s2" } })).to.deep.equal([
      "/ws/One",
      "/ws/two",
    ]);
  });
});
