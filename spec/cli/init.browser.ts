import { expect } from "chai";
import type { Browser, Page } from "playwright-core";
import { violations } from "../support/axe.ts";
import { launchBrowser } from "../support/browser.ts";
import { NewProject } from "../support/new-project.ts";

describe("the page of greenroom init, in a browser", function () {
  // The package has to be built first.
  this.timeout(240_000);
  let browser: Browser;
  let server: Awaited<ReturnType<NewProject["start"]>>;

  before(async () => {
    const { node: project } = await NewProject.write("node");
    await project.script("build");
    server = await project.start(["dist/server.js"], { DRAIN_MS: "0" });
    browser = await launchBrowser();
  });
  after(async () => {
    await browser.close();
    process.kill(server.pid, "SIGTERM");
    await server.exited;
  });

  async function open(path: string, colorScheme: "light" | "dark" = "light"): Promise<Page> {
    const page = await browser.newPage({ colorScheme });
    await page.goto(server.url + path);
    return page;
  }
  const status = (page: Page, text: string) => page.getByRole("status").getByText(text).waitFor();
  const line = (page: Page, text: string) => page.getByRole("listitem").getByText(text).waitFor();

  it("sends a message to all members of the room, with the name of its author", async () => {
    const [ada, bob] = [await open("/"), await open("/")];
    for (const page of [ada, bob]) await status(page, "joined");
    await ada.getByLabel("Your name").fill("Ada");
    await ada.getByLabel("Message", { exact: true }).fill("<b>Hello!</b>");
    await ada.getByRole("button", { name: "Send" }).click();
    for (const page of [ada, bob]) await line(page, "Ada <b>Hello!</b>");
    await ada.reload();
    expect(await ada.getByLabel("Your name").inputValue()).to.equal("Ada");
  });

  it("shows the reason of a refusal", async () => {
    await status(await open("/?room=a/b"), "closed: ");
  });

  for (const scheme of ["light", "dark"] as const) {
    it(`has no serious violations of accessibility in ${scheme} colours`, async () => {
      const page = await open("/?room=axe", scheme);
      await status(page, "joined");
      for (let count = 1; count <= 40; count += 1) {
        await page.getByLabel("Message", { exact: true }).fill(`Message ${count}`);
        await page.keyboard.press("Enter");
      }
      await line(page, "Message 40");
      expect(await violations(page)).to.deep.equal([]);
      const bottom = await page.getByRole("button").boundingBox();
      const height = page.viewportSize()?.height ?? 0;
      expect(Number(bottom?.y) + Number(bottom?.height)).to.be.at.most(height);
    });
  }
});
