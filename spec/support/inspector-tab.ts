import { expect } from "chai";
import type { Locator, Page, WebSocket } from "playwright-core";
import { isControl } from "../../protocol/control-frames.ts";

export class InspectorTab {
  readonly page: Page;
  readonly status: Locator;
  readonly consumers: Locator;
  readonly rows: Locator;
  readonly range: Locator;
  readonly search: Locator;
  readonly chips: Locator;
  readonly entries: Locator;
  readonly errors: string[] = [];
  readonly requests: string[] = [];
  #socket: WebSocket | undefined;

  constructor(page: Page) {
    this.page = page;
    page.setDefaultTimeout(30_000);
    page.on("console", (entry) => entry.type() === "error" && this.errors.push(entry.text()));
    page.on("pageerror", (error) => this.errors.push(String(error)));
    page.on("websocket", (socket) => {
      this.#socket = socket;
    });
    page.on("request", (request) => this.requests.push(request.url()));
    this.status = page.locator("#live").getByRole("status");
    this.consumers = page.getByRole("list", { name: "Consumers" }).getByRole("link");
    this.rows = page.getByRole("region", { name: "Actors" }).locator("tbody").getByRole("row");
    this.range = page.locator("[data-part=range]");
    this.search = page.getByRole("searchbox", { name: "Search actors" });
    this.chips = page.getByRole("list", { name: "Filters" }).getByRole("link");
    this.entries = page.locator(".sequence .entry");
  }

  /**
   * Calls `work`, which makes the page send a request of this type. Resolves once the server has the request:
   * of the next two ticks, the server sends the second one after it has read the request.
   */
  async request(type: string, work: () => Promise<unknown>): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined) throw new Error("The page has not opened its socket.");
    const isOf = (expected: string) => (frame: { readonly payload: string | Buffer }) => {
      const text = String(frame.payload);
      return !isControl(text) && JSON.parse(text).type === expected;
    };
    const sent = socket.waitForEvent("framesent", { predicate: isOf(type) });
    await work();
    await sent;
    for (let ticks = 0; ticks < 2; ticks += 1) {
      await socket.waitForEvent("framereceived", { predicate: isOf("tick") });
    }
  }

  /** The row of a state in the table of its machine, once `count` actors are in this state. */
  async counts(state: string, count: number): Promise<void> {
    await this.page
      .locator(".states tr", { has: this.page.getByRole("button", { name: state, exact: true }) })
      .locator(".count")
      .getByText(`${count}`, { exact: true })
      .waitFor();
  }

  /** Resolves once the list of actors shows this range, such as `1–50 of 120`. */
  async lists(range: string): Promise<void> {
    await this.range.getByText(range, { exact: true }).waitFor();
    await this.page.locator('.listing[aria-busy="false"]').waitFor();
  }

  /** The entries of the open history, without times, once there are `count` of them. */
  async history(count: number): Promise<string[]> {
    await this.entries.nth(count - 1).waitFor();
    const texts = await this.entries.locator(".step").allInnerTexts();
    return texts.map((text) => text.replace(/\s+/g, " ").trim());
  }

  /** Resolves once `expression` has the value `value` in the page. */
  async waitsFor(expression: string, value: unknown): Promise<void> {
    const last = await this.page.evaluate(`new Promise((resolve) => {
      const end = performance.now() + 30_000;
      const look = () => {
        const now = JSON.stringify(${expression});
        if (now === ${JSON.stringify(JSON.stringify(value))} || performance.now() > end) resolve(now);
        else requestAnimationFrame(look);
      };
      look();
    })`);
    expect(last, expression).to.equal(JSON.stringify(value));
  }
}
