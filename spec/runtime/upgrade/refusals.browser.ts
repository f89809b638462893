import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import { type Guard, originGuard, WebSocketConsumer } from "greenroom";
import type { Browser } from "playwright-core";
import { launchBrowser } from "../../support/browser.ts";
import { chat, serve, stopServing } from "../../support/serving.ts";

/** The view of a page: the end of its socket, and the answer to a plain GET for the same path. */
interface Seen {
  readonly code: number;
  readonly reason: string;
  readonly answer: string;
}

describe("A page of another origin", () => {
  let browser: Browser;
  let site: Server;
  before(async function () {
    this.timeout(60_000);
    browser = await launchBrowser();
    site = createServer((_, response) =>
      response.setHeader("Content-Type", "text/html").end("<!doctype html>"),
    );
    await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
  });
  after(async () => {
    await browser.close();
    site.close();
    site.closeAllConnections();
  });
  afterEach(stopServing);

  class Full extends WebSocketConsumer {
    override async connect() {
      await this.accept({ headers: { "Set-Cookie": ["seat=7; Path=/", "row=3; Path=/"] } });
      this.close(4001, "The room is full");
    }
  }

  const busy: Guard = ({ headers }) =>
    headers.cookie?.includes("seat=7")
      ? { status: 429, reason: "Busy", headers: { "Retry-After": 5 } }
      : undefined;

  async function seen(allow: readonly string[], path: string, headers = {}): Promise<Seen[]> {
    const { url, runtime } = await serve({ layers: chat(), guards: [originGuard({ allow }), busy] });
    runtime.route("/ws", Full);
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
    const look = () =>
      page.evaluate(
        async ([address, given]) => {
          const { code, reason } = await new Promise<{ code: number; reason: string }>((resolve) => {
            new WebSocket(address.replace("http", "ws")).onclose = resolve;
          });
          const answer = await fetch(address, { credentials: "include", headers: given }).then(
            async (got) => `${got.status} ${(await got.text()).trim()} ${got.headers.get("retry-after")}`,
            (error: Error) => error.name,
          );
          return { code, reason, answer };
        },
        [`${url}${path}`, headers] as const,
      );
    const looks = [await look(), await look()];
    await page.close();
    return looks;
  }

  it("reads why a guard refuses it, although its socket closes with 1006", async () => {
    for (const headers of [{}, { "X-Trace": "1" }]) {
      const looks = await seen(["127.0.0.1:*"], "/ws", headers);
      expect(looks).to.deep.equal([
        // The consumer accepts, and sets the cookies that make the guard refuse the page from then on.
        { code: 4001, reason: "The room is full", answer: "429 Busy 5" },
        { code: 1006, reason: "", answer: "429 Busy 5" },
      ]);
    }
  });

  it("reads nothing if the origin guard refuses it", async () => {
    const looks = await seen([], "/ws");
    expect(looks[0]).to.deep.equal({ code: 1006, reason: "", answer: "TypeError" });
  });
});
