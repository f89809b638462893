import { expect } from "chai";
import type { Browser, Page } from "playwright-core";
import { violations } from "../support/axe.ts";
import { launchBrowser } from "../support/browser.ts";
import { createSiteServer, readSitePage, sitePages } from "../support/built-site.ts";
import { closeServers, listening } from "../support/servers.ts";

const wide = { width: 1280, height: 800 };
const narrow = { width: 360, height: 740 };

/** Resolves once the page runs, and has drawn its diagrams. */
const runs = `new Promise((resolve) => {
  const look = () => {
    const isRunning = document.querySelector("#app")?.__vue_app__ && !document.querySelector("pre.diagram");
    if (isRunning) resolve();
    else setTimeout(look, 10);
  };
  look();
})`;

/** How far the page is wider than the window. */
const overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";

/** One generated page of each kind, such as `/api/greenroom/classes/`, and all other pages. */
function sample(): string[] {
  const kinds = new Set<string>();
  return sitePages().filter((path) => {
    const [, kind] = /^\/api\/.*?([^/]*)\/[^/]*$/.exec(path) ?? [];
    if (kind === undefined) return true;
    if (kinds.has(kind)) return false;
    kinds.add(kind);
    return true;
  });
}

/** The values of an attribute in a page. */
const valuesOf = (html: string, pattern: RegExp) =>
  [...html.matchAll(pattern)].map(([, value = ""]) => value.replaceAll("&amp;", "&"));

describe("The site", function () {
  this.timeout(600_000); // a browser, and all pages
  let browser: Browser;
  let url: string;
  const faults: string[] = [];

  before(async () => {
    url = await listening(createSiteServer());
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await closeServers();
  });

  /** Opens a tab that notes its errors and its requests to other hosts. These requests fail. */
  async function openTab(colorScheme: "light" | "dark" = "light"): Promise<Page> {
    const context = await browser.newContext({ colorScheme, viewport: wide, reducedMotion: "reduce" });
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    const note = (fault: string) => faults.push(`${page.url()}: ${fault}`);
    page.on("console", (entry) => entry.type() !== "log" && note(entry.text()));
    page.on("pageerror", (error) => note(String(error)));
    await page.route(
      (target) => target.origin !== url && target.protocol !== "data:",
      (route) => {
        note(`requests ${route.request().url()}`);
        return route.abort();
      },
    );
    return page;
  }

  async function open(page: Page, path: string): Promise<void> {
    await page.goto(`${url}${path}`);
    await page.evaluate(runs);
  }

  it("loads pages without an error, and nothing from other hosts; none is wider than its window", async () => {
    const waiting = sample();
    expect(waiting.length).to.be.above(100);
    const overflowing: string[] = [];
    const readPages = async () => {
      const page = await openTab();
      for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
        await page.setViewportSize(wide);
        await open(page, path);
        if ((await page.evaluate<number>(overflow)) > 0) overflowing.push(`${path} at ${wide.width}`);
        await page.setViewportSize(narrow);
        const excess = await page.evaluate<number>(overflow);
        if (excess > 0) overflowing.push(`${path} at ${narrow.width}: ${excess}`);
      }
    };
    await Promise.all([readPages(), readPages()]);
    expect(faults).to.deep.equal([]);
    expect(overflowing).to.deep.equal([]);
  });

  it("has links and anchors that lead somewhere, on every page", async () => {
    const pages = new Map<string, string>();
    for (const path of sitePages()) pages.set(path, await readSitePage(path));
    const anchors = new Map(
      [...pages].map(([path, html]) => [path, new Set(valuesOf(html, / id="([^"]*)"/g))] as const),
    );
    const dead = new Set<string>();
    for (const [path, html] of pages) {
      for (const link of valuesOf(html, /<a [^>]*?href="([^"]*)"/g)) {
        const { origin, pathname, hash } = new URL(link, `${url}${path}`);
        if (origin !== url) continue;
        const target = anchors.get(pathname.replace(/\/$/, "/index.html"));
        const anchor = decodeURIComponent(hash.slice(1));
        if (target === undefined || (anchor !== "" && !target.has(anchor))) dead.add(`${path}: ${link}`);
      }
    }
    expect([...dead]).to.deep.equal([]);
  });

  it("finds a term without a network, by keyboard alone", async () => {
    const page = await openTab();
    await open(page, "/guides/sessions.html");
    await page.keyboard.press("Control+k");
    const box = page.getByRole("searchbox");
    await box.waitFor();
    await box.fill("mailbox"); // the index has loaded once there are results
    await page.locator(".VPLocalSearchBox .result").first().waitFor();
    await page.context().setOffline(true);
    await box.fill("resumeMs");
    await page.locator('.VPLocalSearchBox .result.selected[href*="/reference/"]').waitFor();
    await page.context().setOffline(false);
    await page.keyboard.press("Enter");
    await page.waitForURL((target) => target.pathname !== "/guides/sessions.html" || target.hash !== "");
    expect(await page.locator(".vp-doc").innerText()).to.include("resumeMs");
  });

  it("skips to the content", async () => {
    const page = await openTab();
    await open(page, "/guides/sessions.html");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.waitForURL(/#VPContent$/);
    expect(await page.evaluate("document.activeElement.id")).to.equal("VPContent");
  });

  it("follows the theme that the reader chooses, in its diagrams and pictures, too", async () => {
    const page = await openTab();
    const fill = `getComputedStyle(document.querySelector(".diagram svg .node rect") ?? document.body).fill`;
    await open(page, "/guides/introduction.html");
    const light = await page.evaluate<string>(fill);
    await page.locator(".VPNavBarAppearance").getByRole("switch").click();
    await page.waitForFunction(`document.querySelector(".diagram svg") && ${fill} !== "${light}"`);
    await open(page, "/guides/run-the-demo.html");
    expect(await page.locator("img.if-dark").first().isVisible()).to.equal(true);
    expect(await page.locator("img.if-light").first().isVisible()).to.equal(false);
  });

  for (const theme of ["light", "dark"] as const) {
    it(`is accessible: ${theme}`, async () => {
      const page = await openTab(theme);
      // The themes differ in colours alone.
      const rules = theme === "dark" ? { runOnly: ["cat.color"] } : {};
      const paths = [
        "/index.html",
        "/documentation.html",
        "/guides/introduction.html",
        "/guides/contracts.html",
        "/reference/options.html",
        "/tutorial/2-system-messages.html",
        "/design/01-connection-actors.html",
        "/bench/fan-out.html",
        ...sample().filter((path) => path.startsWith("/api/")),
      ];
      for (const path of paths) {
        await open(page, path);
        expect(await violations(page, rules), path).to.deep.equal([]);
      }
      await page.setViewportSize(narrow);
      await open(page, "/reference/options.html");
      expect(await violations(page, rules), "a narrow page").to.deep.equal([]);
      await page.keyboard.press("Control+k");
      await page.getByRole("searchbox").fill("resumeMs");
      await page.locator(".VPLocalSearchBox .result").first().waitFor();
      // VitePress puts links into the options of a list, and names them by their path. Its elements are reachable.
      const ofVitePress = /^(?:nested-interactive|label-content-name-mismatch): <div [^>]*localsearch-label/;
      const others = (await violations(page, rules)).filter((violation) => !ofVitePress.test(violation));
      expect(others, "the search").to.deep.equal([]);
    });
  }
});
