import { expect } from "chai";
import type { Browser, BrowserContext, Page, WebSocketRoute } from "playwright-core";
import { startDemo } from "../../demo/server.ts";
import { launchBrowser } from "../support/browser.ts";

/** Notes every state a panel takes, those included that pass too quickly to be looked up from here. */
const noteStates = `
  window.states = {};
  addEventListener("DOMContentLoaded", () => {
    for (const panel of document.querySelectorAll("[data-state]")) {
      const states = (window.states[panel.id] = []);
      new MutationObserver((changes) => {
        for (const { oldValue } of changes) if (states.at(-1) !== oldValue) states.push(oldValue);
      }).observe(panel, { attributeFilter: ["data-state"], attributeOldValue: true });
    }
  });
`;

/** A panel as a reader finds it: by the names of its parts. */
class Panel {
  readonly page: Page;
  readonly region;
  readonly status;
  readonly timer;
  readonly log;
  readonly message;
  readonly connect;
  readonly disconnect;
  readonly #id;

  constructor(page: Page, name: string, id: string) {
    this.page = page;
    this.#id = id;
    this.region = page.getByRole("region", { name });
    this.status = this.region.getByRole("status");
    this.timer = this.region.getByRole("timer");
    this.log = this.region.getByRole("log");
    this.message = this.region.getByRole("textbox", { name: "Message" });
    this.connect = this.region.getByRole("button", { name: "Connect", exact: true });
    this.disconnect = this.region.getByRole("button", { name: "Disconnect" });
  }

  async reaches(state: string): Promise<void> {
    await this.page.locator(`#${this.#id}[data-state="${state}"]`).waitFor();
  }

  async states(): Promise<string[]> {
    const before: Record<string, string[]> = await this.page.evaluate("window.states");
    return [...(before[this.#id] ?? []), (await this.region.getAttribute("data-state")) ?? ""];
  }

  async joins(room?: string): Promise<void> {
    if (room !== undefined) await this.region.getByLabel("Room name").fill(room);
    await this.connect.click();
    await this.reaches("joined");
  }

  async says(text: string): Promise<void> {
    await this.message.fill(text);
    await this.message.press("Enter");
  }

  /** All lines, as soon as there are `count`. */
  async lines(count: number): Promise<string[]> {
    const lines = this.log.locator(".line");
    await lines.nth(count - 1).waitFor();
    return lines.allTextContents();
  }
}

class Tab {
  readonly page: Page;
  readonly system: Panel;
  readonly room: Panel;
  readonly errors: string[] = [];
  readonly requests: string[] = [];
  readonly sockets: string[] = [];

  constructor(page: Page) {
    this.page = page;
    page.setDefaultTimeout(8_000);
    page.on("console", (entry) => entry.type() === "error" && this.errors.push(entry.text()));
    page.on("pageerror", (error) => this.errors.push(String(error)));
    page.on("request", (request) => this.requests.push(request.url()));
    page.on("websocket", (socket) => this.sockets.push(socket.url()));
    this.system = new Panel(page, "System Messages", "system");
    this.room = new Panel(page, "Room Chat", "room");
  }

  /** The sockets of the room panel so far: one opened later, by the other panel, proves that none is on its way. */
  async roomSockets(): Promise<string[]> {
    const marker = this.page.waitForEvent("websocket", (socket) => socket.url().endsWith("/ws/system"));
    await this.system.joins();
    await marker;
    return this.sockets.filter((url) => url.includes("/ws/room/"));
  }
}

/** For what has no locator to wait for: asks again until it is so, or the spec's time is up. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition()));
}

function isAtEnd({ log }: Panel): Promise<boolean> {
  return log.evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight < 2);
}

describe("the demo's page", () => {
  let browser: Browser;
  let context: BrowserContext;
  let demo: Awaited<ReturnType<typeof startDemo>>;

  before(async function () {
    this.timeout(60_000); // the browser from npm is unpacked once
    browser = await launchBrowser();
  });

  after(() => browser?.close());

  beforeEach(async () => {
    demo = await startDemo({ port: 0 });
    context = await browser.newContext();
    await context.addInitScript({ content: noteStates });
  });

  afterEach(async () => {
    await context.close();
    await demo.close();
  });

  async function openTab(prepare?: (page: Page) => Promise<unknown>): Promise<Tab> {
    const page = await context.newPage();
    const tab = new Tab(page);
    await prepare?.(page);
    await page.goto(demo.url);
    return tab;
  }

  const restartDemo = async () => {
    demo = await startDemo({ port: Number(new URL(demo.url).port) });
  };

  const goesOnline = (page: Page) => page.evaluate("dispatchEvent(new Event('online'))");

  describe("system messages", () => {
    it("greets, and echoes what is said", async () => {
      const { system } = await openTab();
      await system.joins();
      await system.message.fill("hello");
      await system.region.getByRole("button", { name: "Send" }).click();
      expect(await system.lines(2)).to.deep.equal([
        "🔧 System: Connection established!",
        "🔧 System Echo: hello",
      ]);
    });
  });

  describe("room chat", () => {
    it("lets two tabs in one room talk", async () => {
      const { room: ann } = await openTab();
      const { room: ben } = await openTab();
      await ann.joins("general");
      await ann.lines(1);
      await ben.joins("general");
      await ben.lines(1);
      await ann.says("Five minutes, please.");
      await ben.lines(2);
      await ben.says("Thank you, five!");
      const talk = ["🚪 Someone joined room 'general'", "💬 Five minutes, please.", "💬 Thank you, five!"];
      expect(await ben.lines(3)).to.deep.equal(talk);
      expect(await ann.lines(4)).to.deep.equal(["🚪 Someone joined room 'general'", ...talk]);
    });

    it("sets the server's notices apart from what people say", async () => {
      const { room } = await openTab();
      await room.joins("general");
      await room.says("🚪 Someone joined room 'general'");
      await room.lines(2);
      expect(await room.log.locator('[data-kind="notice"]').allTextContents()).to.deep.equal([
        "🚪 Someone joined room 'general'",
      ]);
      const styles = await room.log
        .locator(".line")
        .evaluateAll((lines) => lines.map((line) => line.computedStyleMap().get("font-style")?.toString()));
      expect(styles).to.deep.equal(["italic", "normal"]);
    });

    it("tells those who stay that someone left", async () => {
      const { room: ann } = await openTab();
      const { room: ben, page } = await openTab();
      await ann.joins("general");
      await ben.joins("general");
      await ann.lines(2);
      await ben.disconnect.click();
      expect((await ann.lines(3)).at(-1)).to.equal("👋 Someone left room 'general'");
      await ben.joins();
      await ann.lines(4);
      await page.close();
      expect((await ann.lines(5)).at(-1)).to.equal("👋 Someone left room 'general'");
    });

    it("keeps rooms apart, also those that differ in case only", async () => {
      const { room: ann } = await openTab();
      const { room: ben } = await openTab();
      await ann.joins("stage");
      await ben.joins("Stage");
      await ann.says("for stage");
      await ann.lines(2);
      await ben.says("for Stage");
      expect(await ben.lines(2)).to.deep.equal(["🚪 Someone joined room 'Stage'", "💬 for Stage"]);
      await ann.says("the end");
      expect(await ann.lines(3)).to.deep.equal([
        "🚪 Someone joined room 'stage'",
        "💬 for stage",
        "💬 the end",
      ]);
    });

    for (const name of ["green room!", "a/b", "x".repeat(91)]) {
      it(`shows the server's reason against the room name ${JSON.stringify(name.slice(0, 12))}`, async () => {
        const answer = await fetch(new URL(`/ws/room/${encodeURIComponent(name)}`, demo.url));
        expect(answer.status).to.equal(400);
        const tab = await openTab((page) => page.clock.install());
        await tab.room.region.getByLabel("Room name").fill(name);
        await tab.room.connect.click();
        await tab.room.reaches("closed");
        expect(await tab.room.status.textContent()).to.equal(`Refused: ${(await answer.text()).trim()}`);
        await tab.page.clock.fastForward("01:00");
        await goesOnline(tab.page);
        expect(await tab.roomSockets()).to.have.length(1);
      });
    }

    it("asks for a room name when there is none", async () => {
      const tab = await openTab();
      const field = tab.room.region.getByLabel("Room name");
      await field.fill("");
      await tab.room.connect.click();
      expect(await field.evaluate((element) => element.matches(":focus:invalid"))).to.equal(true);
      expect(await tab.room.states()).to.deep.equal(["idle"]);
      expect(await tab.roomSockets()).to.deep.equal([]);
    });
  });

  describe("the state", () => {
    it("is shown as it changes", async () => {
      const { room } = await openTab();
      const lit = () => room.region.locator("li[aria-current]").allTextContents();
      expect(await room.status.textContent()).to.equal("Not connected yet.");
      expect(await lit()).to.deep.equal([]);
      await room.joins("general");
      expect(await room.status.textContent()).to.equal("Connected to room general.");
      expect(await lit()).to.deep.equal(["joined"]);
      await room.disconnect.click();
      await room.reaches("closed");
      expect(await room.status.textContent()).to.equal("Disconnected.");
      expect(await lit()).to.deep.equal(["closed"]);
      expect(await room.states()).to.deep.equal(["idle", "connecting", "joined", "closing", "closed"]);
    });

    it("moves nothing on the page, nor do messages", async () => {
      const { room, page } = await openTab((page) => page.setViewportSize({ width: 360, height: 740 }));
      const heights = new Set<number | undefined>();
      const measure = async () => heights.add((await room.region.boundingBox())?.height);
      await measure();
      await room.joins("general");
      await measure();
      for (let n = 1; n <= 20; n++) await room.says(`line ${n}`);
      await room.lines(21);
      await measure();
      await page.clock.install();
      await page.clock.pauseAt(Date.now() + 60_000);
      await demo.close();
      await room.reaches("waiting");
      await measure();
      await room.disconnect.click();
      await room.reaches("closed");
      await measure();
      expect([...heights]).to.have.length(1);
    });
  });

  describe("when the server goes away", () => {
    it("says so, keeps what could not be sent, and is back by itself with the server", async () => {
      const { room } = await openTab();
      await room.joins("general");
      await room.lines(1);
      await demo.close();
      await room.timer.getByText(/^reconnecting in \d+ s$/).waitFor();
      await room.status
        .getByText(/^The server (went away|is restarting)\. Reconnecting by itself\.$/)
        .waitFor();
      await room.says("anyone?");
      await room.status.getByText("Your message was not sent; it stays in the field.").waitFor();
      expect(await room.message.inputValue()).to.equal("anyone?");
      await restartDemo();
      await room.reaches("joined");
      await room.message.press("Enter");
      expect(await room.lines(4)).to.deep.equal([
        "🚪 Someone joined room 'general'",
        "Connected again. What was said in between is not shown here.",
        "🚪 Someone joined room 'general'",
        "💬 anyone?",
      ]);
      expect(await room.message.inputValue()).to.equal("");
    });

    it("waits longer after each try, up to 15 s, and never exactly as long", async () => {
      const { room, page } = await openTab((page) => page.clock.install());
      await room.joins("general");
      await page.clock.pauseAt(Date.now() + 60_000);
      await demo.close();
      const shares: number[] = [];
      let before = "";
      for (const longest of [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]) {
        const wire = page.locator(`#room[data-state="waiting"] .retry:not([style="${before}"])`);
        before = (await wire.getAttribute("style")) ?? "";
        const pause = Number.parseInt(before.replace(/^\D+/, ""), 10);
        expect(pause).to.be.within(longest / 2, longest);
        shares.push(pause / longest);
        await page.clock.fastForward(pause);
      }
      expect(new Set(shares.map((share) => share.toFixed(3))))
        .to.have.property("size")
        .above(1);
    });

    it("begins with short pauses again after a connection that stayed", async () => {
      const { room, page } = await openTab((page) => page.clock.install());
      const pause = async () => {
        const style = await page.locator('#room[data-state="waiting"] .retry').getAttribute("style");
        return Number.parseInt(style?.replace(/^\D+/, "") ?? "", 10);
      };
      const comesBack = async () => {
        await restartDemo();
        await goesOnline(page);
        await room.reaches("joined");
      };
      await room.joins("general");
      await page.clock.pauseAt(Date.now() + 60_000);
      await demo.close();
      expect(await pause()).to.be.within(250, 500);
      await comesBack();
      await demo.close();
      expect(await pause()).to.be.within(500, 1_000);
      await comesBack();
      await page.clock.fastForward(4_900);
      await demo.close();
      expect(await pause()).to.be.within(1_000, 2_000);
      await comesBack();
      await page.clock.fastForward(5_000);
      await demo.close();
      expect(await pause()).to.be.within(250, 500);
    });

    it("tries at once when the network is back", async () => {
      const { room, page } = await openTab((page) => page.clock.install());
      await room.joins("general");
      await page.clock.pauseAt(Date.now() + 60_000); // no pause ends any more
      await demo.close();
      await room.reaches("waiting");
      await restartDemo();
      await goesOnline(page);
      await room.reaches("joined");
      expect(await room.states()).to.deep.equal([
        "idle",
        "connecting",
        "joined",
        "waiting",
        "connecting",
        "joined",
      ]);
    });

    it("gives the server's reason when it answers but cannot serve, and keeps trying", async () => {
      const { room, page } = await openTab();
      await page.route("**/ws/room/*", (route) =>
        route.fulfill({ status: 503, contentType: "text/plain", body: "draining" }),
      );
      await demo.close();
      await room.connect.click();
      await room.status
        .getByText("The server cannot serve right now (draining). Reconnecting by itself.")
        .waitFor();
      await page.unroute("**/ws/room/*");
      await restartDemo();
      await room.reaches("joined");
    });
  });

  describe("Disconnect", () => {
    it("is final", async () => {
      const tab = await openTab((page) => page.clock.install());
      await tab.room.joins("general");
      await tab.room.disconnect.click();
      await tab.room.reaches("closed");
      await tab.page.clock.fastForward("01:00");
      await goesOnline(tab.page);
      expect(await tab.roomSockets()).to.have.length(1);
      expect(await tab.room.states()).to.deep.equal(["idle", "connecting", "joined", "closing", "closed"]);
    });

    it("ends the waiting, too", async () => {
      const tab = await openTab((page) => page.clock.install());
      await tab.room.joins("general");
      await tab.page.clock.pauseAt(Date.now() + 60_000);
      await demo.close();
      await tab.room.reaches("waiting");
      await tab.room.disconnect.click();
      await tab.room.reaches("closed");
      await restartDemo();
      await tab.page.clock.fastForward("01:00");
      await goesOnline(tab.page);
      expect(await tab.roomSockets()).to.have.length(1);
    });
  });

  describe("close codes", () => {
    const closes = async (code: number, reason: string) => {
      const tab = await openTab((page) =>
        page.routeWebSocket("**/ws/room/*", (socket) => {
          socket.connectToServer();
          routes.push(socket);
        }),
      );
      const routes: WebSocketRoute[] = [];
      await tab.room.joins("general");
      await routes[0]?.close({ code, reason });
      return tab.room;
    };

    for (const code of [1011, 3008, 4000]) {
      it(`reconnects after ${code}`, async () => {
        const room = await closes(code, "for now");
        await room.reaches("waiting");
        await goesOnline(room.page);
        await room.reaches("joined");
      });
    }

    it("reconnects after 1012, a restart", async () => {
      const room = await closes(1012, "restart");
      await room.status.getByText("The server is restarting. Reconnecting by itself.").waitFor();
      await room.reaches("joined");
    });

    for (const code of [1000, 1008, 3500, 4999]) {
      it(`stays closed after ${code}, with the server's reason`, async () => {
        const room = await closes(code, "The show is over");
        await room.reaches("closed");
        expect(await room.status.textContent()).to.equal(
          "The server closed the connection: The show is over",
        );
        await goesOnline(room.page);
        expect(await room.states()).to.deep.equal(["idle", "connecting", "joined", "closed"]);
      });
    }
  });

  describe("the messages", () => {
    it("are text, never markup", async () => {
      const { room, page } = await openTab();
      await room.joins("general");
      const attacks = [
        '<img src="/missing" onerror="window.harmed = true">',
        "<script>window.harmed = true</script>",
        "<b>bold</b> &amp; <a href='javascript:alert(1)'>link</a>",
      ];
      for (const attack of attacks) await room.says(attack);
      expect((await room.lines(4)).slice(1)).to.deep.equal(attacks.map((attack) => `💬 ${attack}`));
      expect(await room.log.locator(".line *").count()).to.equal(0);
      expect(await page.evaluate("window.harmed")).to.equal(undefined);
    });

    it("are the last 500, with the newest in sight", async () => {
      const { system, page } = await openTab((page) =>
        page.routeWebSocket("**/ws/system", (socket) => {
          for (let n = 1; n <= 620; n++) socket.send(`line ${n}`);
        }),
      );
      await system.joins();
      await system.log.getByText("line 620", { exact: true }).waitFor();
      expect(await system.lines(500))
        .to.have.length(500)
        .and.include("line 121")
        .and.not.include("line 120");
      await until(() => isAtEnd(system));
      expect(await page.getByRole("button", { name: "Newer messages below" }).count()).to.equal(0);
    });

    it("leave a reader of older ones in peace", async () => {
      let server: WebSocketRoute | undefined;
      const { system, page } = await openTab((page) =>
        page.routeWebSocket("**/ws/system", (socket) => {
          server = socket;
          for (let n = 1; n <= 60; n++) socket.send(`line ${n}`);
        }),
      );
      await system.joins();
      await system.lines(60);
      await system.log.focus();
      await page.keyboard.press("Home");
      await until(async () => (await system.log.evaluate((log) => log.scrollTop)) === 0);
      server?.send("line 61");
      const jump = page.getByRole("button", { name: "Newer messages below" });
      await jump.waitFor();
      expect(await system.log.evaluate((log) => log.scrollTop)).to.equal(0);
      await jump.click();
      await jump.waitFor({ state: "hidden" });
      expect(await isAtEnd(system)).to.equal(true);
      await system.log.focus();
      await page.keyboard.press("Home");
      await until(async () => (await system.log.evaluate((log) => log.scrollTop)) === 0);
      await system.says("who speaks wants to see the answer");
      await until(() => isAtEnd(system));
    });
  });

  describe("for everyone", () => {
    it("works by keyboard alone", async () => {
      const { room, page } = await openTab();
      const focused = () => page.evaluate("document.activeElement.id");
      const stops: unknown[] = [];
      for (let n = 0; n < 11; n++) {
        await page.keyboard.press("Tab");
        stops.push(await focused());
      }
      expect(stops).to.deep.equal([
        ...["connect", "disconnect", "log", "message", "send"].map((part) => `system-${part}`),
        ...["name", "connect", "disconnect", "log", "message", "send"].map((part) => `room-${part}`),
      ]);
      for (let n = 0; n < 5; n++) await page.keyboard.press("Shift+Tab");
      await page.keyboard.press("ControlOrMeta+A");
      await page.keyboard.type("keys");
      await page.keyboard.press("Enter");
      await room.reaches("joined");
      expect(await focused()).to.equal("room-message");
      await page.keyboard.type("no mouse");
      await page.keyboard.press("Enter");
      expect(await room.lines(2)).to.deep.equal(["🚪 Someone joined room 'keys'", "💬 no mouse"]);
      expect(await focused()).to.equal("room-message");
      await page.keyboard.press("Shift+Tab");
      await page.keyboard.press("Shift+Tab");
      await page.keyboard.press("Enter");
      await room.reaches("closed");
      expect(await focused()).to.equal("room-disconnect");
    });

    for (const colorScheme of ["light", "dark"] as const) {
      it(`fits a screen 360 pixels wide, ${colorScheme}`, async () => {
        const { room, system, page } = await openTab(async (page) => {
          await page.setViewportSize({ width: 360, height: 740 });
          await page.emulateMedia({ colorScheme });
        });
        await system.joins();
        await system.says("W".repeat(200));
        await room.joins("x".repeat(90));
        await room.says(`https://example.com/${"long/".repeat(60)}`);
        await room.lines(2);
        await system.lines(2);
        expect(await page.evaluate("document.documentElement.scrollWidth")).to.equal(360);
        for (const { log } of [room, system])
          expect(await log.evaluate((element) => element.scrollWidth - element.clientWidth)).to.equal(0);
      });
    }

    it("runs without an error, and talks to its own server only", async () => {
      const tab = await openTab();
      await tab.system.joins();
      await tab.system.says("hello");
      await tab.system.lines(2);
      await tab.room.joins("general");
      await tab.room.says("hello");
      await tab.room.lines(2);
      await tab.room.disconnect.click();
      await tab.room.reaches("closed");
      expect(tab.errors).to.deep.equal([]);
      const { host } = new URL(demo.url);
      expect(tab.sockets).to.deep.equal([`ws://${host}/ws/system`, `ws://${host}/ws/room/general`]);
      expect(new Set(tab.requests.map((url) => new URL(url).host))).to.deep.equal(new Set([host]));
    });
  });
});
