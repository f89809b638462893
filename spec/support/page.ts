import type { Browser, BrowserContext, BrowserContextOptions, Page, WebSocketRoute } from "playwright-core";
import { type Demo, startDemo } from "../../demo/server.ts";
import { launchBrowser } from "./browser.ts";
import { token } from "./inspector-client.ts";
import { Tab } from "./page-parts.ts";

/** Records every state of a panel, including states that are too short to be polled. */
const noteStates = `
  window.states = {};
  addEventListener("DOMContentLoaded", () => {
    for (const panel of document.querySelectorAll("section.connection")) {
      const states = (window.states[panel.id] = []);
      new MutationObserver((changes) => {
        for (const { oldValue } of changes) if (oldValue !== null && states.at(-1) !== oldValue) states.push(oldValue);
      }).observe(panel, { attributeFilter: ["data-state"], attributeOldValue: true });
    }
  });
`;

/** Animations cost CPU time. */
const calm = { reducedMotion: "reduce" } as const;

/** The address of the page whose panels do not connect by themselves. */
export const byHand = "/?connect=by-hand";

/** The sockets that a page opens on `path`. Each is connected to the server until `cut` closes it. */
export class Wire {
  readonly #sockets: (readonly [page: WebSocketRoute, server: WebSocketRoute])[] = [];

  async lay(page: Page, path: string): Promise<void> {
    await page.routeWebSocket(`**${path}*`, (socket) => {
      this.#sockets.push([socket, socket.connectToServer()]);
    });
  }

  /** Closes the newest socket, as the server might. */
  async cut(code: number, reason: string): Promise<void> {
    const [page, server] = this.#sockets.at(-1) ?? [];
    await server?.close();
    await page?.close({ code, reason });
  }
}

/** Starts a demo for each spec of the suite that constructs this, and opens tabs of it in one browser. */
export class Premises {
  #browser: Browser | undefined;
  #demo: Demo | undefined;
  #shared: BrowserContext | undefined;
  readonly #contexts: BrowserContext[] = [];

  readonly #jobStepMs: number;

  constructor({ jobStepMs = 20 } = {}) {
    this.#jobStepMs = jobStepMs;
    const premises = this;
    before(async function () {
      this.timeout(60_000); // long enough to unpack the browser from npm
      premises.#browser = await launchBrowser();
      premises.#shared = await premises.#browser.newContext(calm);
      await premises.#shared.addInitScript({ content: noteStates });
    });
    after(() => this.#browser?.close());
    beforeEach(() => this.restart());
    afterEach(async () => {
      for (const page of this.#shared?.pages() ?? []) await page.close();
      for (const context of this.#contexts.splice(0)) await context.close();
      await this.close();
      this.#demo = undefined;
    });
  }

  get url(): string {
    return this.#demo?.url ?? "";
  }

  /** Starts a demo, on the port of the previous demo if there was one. */
  async restart(): Promise<void> {
    const port = this.url === "" ? 0 : Number(new URL(this.url).port);
    this.#demo = await startDemo({ port, jobStepMs: this.#jobStepMs, inspectToken: token });
  }

  async close(): Promise<void> {
    await this.#demo?.close();
  }

  /** A tab whose panels connect when a spec says so. */
  async openTab(prepare?: (page: Page) => Promise<unknown>): Promise<Tab> {
    if (!this.#shared) throw new Error("Tabs are for specs, not for suites.");
    return this.#open(this.#shared, prepare);
  }

  /** A tab of a phone's size, whose panels connect when they come into view. */
  async openPhone(): Promise<Tab> {
    const context = await this.#newContext({ viewport: { width: 390, height: 844 } });
    await context.addInitScript({ content: noteStates });
    return this.#open(context, undefined, "/");
  }

  /** Opens a tab in its own browser context, because all tabs of a context share a clock. */
  async openTabWithClock(): Promise<Tab> {
    const context = await this.#newContext({});
    await context.addInitScript({ content: noteStates });
    return this.#open(context, (page) => page.clock.install());
  }

  /** Reads the text of the page in a browser that runs no scripts. */
  async readWithoutScripts(): Promise<string> {
    const context = await this.#newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(this.url);
    return page.locator("body").innerText();
  }

  async #newContext(options: BrowserContextOptions): Promise<BrowserContext> {
    if (!this.#browser) throw new Error("Tabs are for specs, not for suites.");
    const context = await this.#browser.newContext({ ...calm, ...options });
    this.#contexts.push(context);
    return context;
  }

  async #open(
    context: BrowserContext,
    prepare?: (page: Page) => Promise<unknown>,
    path = byHand,
  ): Promise<Tab> {
    const page = await context.newPage();
    const tab = new Tab(page);
    await prepare?.(page);
    await page.goto(`${this.url}${path}`);
    return tab;
  }
}
