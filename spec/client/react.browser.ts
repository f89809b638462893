import { expect } from "chai";
import { contractConsumer, frames } from "greenroom";
import type { Page } from "playwright-core";
import { until } from "../layers/support/until.ts";
import { talk } from "./pages/contract.ts";
import { Pages } from "./support/pages.ts";

/** Greets with the name of its room, and sends back what is said. */
class Talk extends contractConsumer(talk) {
  static override readonly frames = frames<Talk>({
    say({ text }) {
      this.send("said", { text });
    },
  });
  static all: Talk[] = [];
  static tokens: unknown[] = [];
  exit: string | undefined;
  override connect() {
    this.accept();
    Talk.all.push(this);
    Talk.tokens.push(this.scope.token);
    this.send("said", { text: `welcome to ${this.scope.params.room}` });
  }
  override disconnect(code: number, exit: { readonly by: string }) {
    this.exit = `${code} by ${exit.by}`;
  }
}

describe("The hooks for React, under strict mode", () => {
  const pages = new Pages("react.ts", (runtime) => runtime.route(Talk));
  let page: Page;

  beforeEach(async () => {
    Talk.all = [];
    Talk.tokens = [];
    page = await pages.open();
  });

  const run = (call: string) => page.evaluate(`void app.${call}`);
  const heard = () => page.evaluate<string[]>("app.heard");
  const hears = (count: number) => until(async () => (await heard()).length >= count);
  const clients = () => page.evaluate<number>("app.clients.size");
  const rooms = () => Talk.all.map(({ scope }) => scope.params.room);
  const say = (text: string) => run(`say(${JSON.stringify(text)})`);
  /** Waits until the server has taken all sockets that the page has opened so far: a socket for a marker comes last. */
  const settles = async () => {
    await page.evaluate("app.mark()");
    Talk.all = Talk.all.filter(({ scope }) => scope.params.room !== "marker");
  };

  it("have one session, and hear its first frame once", async () => {
    await run("render()");
    await hears(1);
    await settles();
    expect(rooms()).to.deep.equal(["tea"]);
    expect(await heard()).to.deep.equal(["welcome to tea"]);
    expect(await page.evaluate("app.rendered")).to.deep.equal(["connecting", "joined"]);
  });

  it("end the session when the component is unmounted, after what is queued", async () => {
    await run("render()");
    await hears(1);
    await page.evaluate("app.sayAndUnmount('last words')");
    await until(() => Talk.all[0]?.exit !== undefined);
    expect(Talk.all[0]?.exit).to.equal("1000 by client");
    await settles();
    expect(rooms()).to.deep.equal(["tea"]);
    expect(await heard()).to.deep.equal(["welcome to tea"]);
    expect(await page.evaluate("app.outcomes")).to.deep.equal(["last words"]);
  });

  it("replace the client if an option changes its value, and keep it otherwise", async () => {
    await run("render({ room: 'tea' })");
    await hears(1);
    await run("render({ room: 'tea', prefix: 'again ' })");
    await say("hi");
    await hears(2);
    expect(await clients()).to.equal(1);
    await run("render({ room: 'milk' })");
    await hears(3);
    await until(() => Talk.all[0]?.exit !== undefined);
    await settles();
    expect(rooms()).to.deep.equal(["tea", "milk"]);
    expect(Talk.all.map(({ exit }) => exit)).to.deep.equal(["1000 by client", undefined]);
    expect(await heard()).to.deep.equal(["welcome to tea", "again hi", "welcome to milk"]);
  });

  it("call the token of the latest render", async () => {
    await run("render({ token: 'first' })");
    await hears(1);
    await run("render({ token: 'second' })");
    await run("render({ token: 'second', room: 'milk' })");
    await hears(2);
    expect(Talk.tokens).to.deep.equal(["first", "second"]);
    expect(await clients()).to.equal(2);
  });

  it("render each status, and hear each frame once over a cut", async () => {
    await run("render()");
    await hears(1);
    pages.lines.newest?.cut();
    await until(async () => (await page.evaluate<string[]>("app.rendered")).includes("away"));
    await say("hi");
    await hears(2);
    expect(await heard()).to.deep.equal(["welcome to tea", "hi"]);
    expect(await page.evaluate("app.rendered")).to.deep.equal(["connecting", "joined", "away", "joined"]);
    expect(rooms()).to.deep.equal(["tea"]);
  });

  it("keep the session over a hot reload, and call the listener of the new code", async () => {
    await run("render()");
    await hears(1);
    await run("reload()");
    await until(async () => (await page.textContent("#root")) === "edited joined");
    await say("hi");
    await hears(2);
    await settles();
    expect(await heard()).to.deep.equal(["welcome to tea", "edited hi"]);
    expect(rooms()).to.deep.equal(["tea"]);
    expect(await clients()).to.equal(1);
  });

  it("render on a server without a client, and connect when the page is hydrated", async () => {
    expect(await page.evaluate("app.hydrate()")).to.equal("connecting");
    await hears(1);
    await settles();
    expect(rooms()).to.deep.equal(["tea"]);
    expect(await page.evaluate("app.errors")).to.deep.equal([]);
  });

  it("give an error of connect to the error boundary", async () => {
    await run("renderWithoutRoom()");
    await until(async () => (await page.evaluate<string[]>("app.errors")).length > 0);
    const errors = await page.evaluate<string[]>("app.errors");
    expect(new Set(errors)).to.deep.equal(new Set(["TypeError: Pass the parameter room."]));
  });
});
