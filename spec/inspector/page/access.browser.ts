import { expect } from "chai";
import { inspector } from "greenroom/inspector";
import type { Browser, BrowserContext } from "playwright-core";
import { launchBrowser } from "../../support/browser.ts";
import { InspectorTab } from "../../support/inspector-tab.ts";
import { serve, stopServing } from "../../support/serving.ts";

describe("Inspector page, with a token", () => {
  let browser: Browser;
  let context: BrowserContext;
  before(async function () {
    this.timeout(60_000); // long enough to unpack the browser from npm
    browser = await launchBrowser();
  });
  after(() => browser.close());
  beforeEach(async () => {
    context = await browser.newContext();
  });
  afterEach(async () => {
    await context.close();
    await stopServing();
  });

  /** Starts a process' worth of server: all of them have the host localhost, so they share its cookies. */
  async function mount(token?: string) {
    const { runtime, url } = await serve({ layers: {} });
    const address = inspector(runtime, { path: "/inspect", token });
    return { runtime, url: url.replace("127.0.0.1", "localhost"), address };
  }

  const openTab = async (address: string) => {
    const tab = new InspectorTab(await context.newPage());
    await tab.page.goto(address);
    return tab;
  };

  it("opens at the address, then without the token, and hides the cookie from scripts", async () => {
    const { url, address } = await mount();
    const tab = await openTab(`${url}${address}#view=layers`);
    await tab.status.getByText("Live").waitFor();
    expect(tab.page.url()).to.equal(`${url}/inspect#view=layers`);
    expect(await tab.page.evaluate("document.cookie")).to.equal("");
    const history = await tab.page.evaluate("history.length");
    await tab.page.reload();
    await tab.status.getByText("Live").waitFor();
    expect(await tab.page.evaluate("history.length")).to.equal(history);
    const other = await openTab(`${url}/inspect`);
    await other.status.getByText("Live").waitFor();
    expect([...tab.errors, ...other.errors]).to.deep.equal([]);
    const [cookie, ...rest] = await context.cookies();
    expect(rest).to.deep.equal([]);
    expect(cookie).to.include({ path: "/inspect", httpOnly: true, sameSite: "Strict", expires: -1 });
  });

  it("says that no WebSocket opens, as behind a proxy that passes only requests", async () => {
    const { url, address } = await mount();
    const tab = new InspectorTab(await context.newPage());
    await tab.page.clock.install();
    await tab.page.routeWebSocket("**/inspect", (socket) => socket.close({ code: 1011 }));
    await tab.page.goto(url + address);
    await tab.status.getByText("Connecting…").waitFor();
    await tab.page.clock.runFor(10_000);
    await tab.status.getByText(/^The server opens no WebSocket: .* Retrying\.$/).waitFor();
  });

  it("shows a refusal that says what to do, without the token and with a wrong one", async () => {
    const { url } = await mount();
    for (const query of ["", "?token=wrong"]) {
      const { page } = await openTab(`${url}/inspect${query}`);
      const text = await page.locator("body").innerText();
      expect(text).to.match(/^The inspector needs its token\. Paste its address, which ends with \?token=…/);
    }
  });

  it("stays open while the inspector of another process on the same host is opened", async () => {
    const [one, two] = [await mount(), await mount()];
    const first = await openTab(one.url + one.address);
    await first.status.getByText("Live").waitFor();
    const second = await openTab(two.url + two.address);
    await second.status.getByText("Live").waitFor();
    await first.page.reload();
    await first.status.getByText("Live").waitFor();
    expect(await context.cookies()).to.have.lengthOf(2);
  });

  it("sets the cookie if a link on another site leads to the address, and opens from the address bar", async () => {
    const { url, address } = await mount();
    const { page, status } = new InspectorTab(await context.newPage());
    await page.route("http://elsewhere.example/", (route) =>
      route.fulfill({ contentType: "text/html", body: `<a href="${url}${address}">Inspector</a>` }),
    );
    await page.goto("http://elsewhere.example/");
    await page.getByRole("link").click();
    await page.getByText("The inspector needs its token.").waitFor();
    await page.goto(`${url}/inspect`);
    await status.getByText("Live").waitFor();
  });
});
