import type { Server } from "node:http";
import { createRuntime, handlers, type MemoryLayer, type Runtime, WebSocketConsumer } from "greenroom";
import { type InspectorOptions, inspector } from "greenroom/inspector";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { Turnstile } from "../../docs/pictures/turnstile.ts";
import type { PageReport } from "../../inspector/protocol.ts";
import { isControl } from "../../protocol/control-frames.ts";
import { launchBrowser } from "./browser.ts";
import { Client } from "./client.ts";
import { token } from "./inspector-client.ts";
import { InspectorTab } from "./inspector-tab.ts";
import { chat, serve, stopServing } from "./serving.ts";

export type ChatRuntime = Runtime<{ readonly chat: MemoryLayer }>;

interface Lines {
  line: { text: string };
}

/** Sends each text of a client to its group. A text that begins with "fail " makes the consumer fail. */
export class Chorus extends WebSocketConsumer<{ messages: Lines; params: "group" }> {
  static override readonly layer = "chat";
  static override readonly on = handlers<Chorus>({
    line({ text }) {
      this.send(text);
    },
  });
  override async connect() {
    await this.accept();
    await this.groupAdd(this.scope.params.group);
    this.tag(`of-${this.scope.params.group}`);
  }
  override receive(text: string) {
    if (text.startsWith("fail ")) throw new Error(text.slice(5));
    return this.groupSend(this.scope.params.group, { type: "line", text });
  }
}

/**
 * Records changes between two polls: the entries into each state, and the status of the page's connection.
 */
const notes = `
  window.came = {};
  window.ways = 0;
  window.said = [];
  addEventListener("DOMContentLoaded", () => {
    new MutationObserver((changes) => {
      for (const { target } of changes) {
        if (target.matches("svg .edge")) window.ways++;
        if (!target.matches(".came")) continue;
        const state = target.closest("tr").querySelector("button").textContent;
        window.came[state] = (window.came[state] ?? 0) + Number(target.textContent);
      }
    }).observe(document, { attributeFilter: ["data-pulse"], subtree: true });
    const status = document.querySelector("#live [role=status]");
    new MutationObserver(() => window.said.push(status.textContent)).observe(status, { childList: true });
  });
`;

/** Applies `change` to each report that the server sends to the page. */
export function alter(page: Page, change: (report: PageReport) => PageReport): Promise<void> {
  return page.routeWebSocket("**/inspect", (socket) => {
    const server = socket.connectToServer();
    server.onMessage((data) => {
      const text = String(data);
      socket.send(isControl(text) ? text : JSON.stringify(change(JSON.parse(text) as PageReport)));
    });
  });
}

/** Starts a runtime with an inspector for each spec of the suite that constructs this, and opens its page. */
export class InspectedPremises {
  readonly #options: Partial<InspectorOptions>;
  readonly #route: (runtime: ChatRuntime) => void;
  #browser: Browser | undefined;
  #context: BrowserContext | undefined;
  readonly #runtimes: ChatRuntime[] = [];
  #server: Server | undefined;
  #address = "";
  url = "";

  /** @param route adds consumers to the runtime. */
  constructor(options: Partial<InspectorOptions> = {}, route: (runtime: ChatRuntime) => void = () => {}) {
    this.#options = options;
    this.#route = route;
    const premises = this;
    before(async function () {
      this.timeout(60_000); // long enough to unpack the browser from npm
      premises.#browser = await launchBrowser();
      const viewport = { width: 1440, height: 900 };
      premises.#context = await premises.#browser.newContext({ viewport, reducedMotion: "reduce" });
      await premises.#context.addInitScript({ content: notes });
    });
    after(() => this.#browser?.close());
    beforeEach(async () => {
      const { runtime, server, url } = await serve({ layers: chat() });
      this.#server = server;
      this.url = url;
      this.#equip(runtime);
    });
    afterEach(async () => {
      for (const page of this.#context?.pages() ?? []) await page.close();
      for (const runtime of this.#runtimes.splice(0)) await runtime.close();
      await stopServing();
    });
  }

  get runtime(): ChatRuntime {
    const runtime = this.#runtimes.at(-1);
    if (runtime === undefined) throw new Error("Runtimes are for specs, not for suites.");
    return runtime;
  }

  /** Replaces the runtime by another runtime on the same port, with the consumers in another order. */
  async restart(): Promise<void> {
    await this.runtime.close();
    const runtime: ChatRuntime = createRuntime({ layers: chat(), onError: () => {} });
    runtime.route("/gate", Turnstile);
    this.#equip(runtime);
    if (this.#server) runtime.attach(this.#server);
  }

  async openTab(place = "", prepare?: (page: Page) => Promise<unknown>): Promise<InspectorTab> {
    if (!this.#context) throw new Error("Tabs are for specs, not for suites.");
    const tab = new InspectorTab(await this.#context.newPage());
    await prepare?.(tab.page);
    await tab.page.goto(`${this.url}${this.#address}${place}`);
    await tab.status.getByText("Live").waitFor();
    return tab;
  }

  connect(path: string): Promise<Client> {
    return Client.open(`${this.url}${path}`);
  }

  connectAll(paths: readonly string[]): Promise<Client[]> {
    return Promise.all(paths.map((path) => this.connect(path)));
  }

  #equip(runtime: ChatRuntime): void {
    this.#runtimes.push(runtime);
    runtime.route("/chorus/:group", Chorus);
    runtime.route("/turnstile", Turnstile);
    this.#route(runtime);
    this.#address = inspector(runtime, { path: "/inspect", token, ...this.#options });
  }
}

export const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
