import type { AddressInfo } from "node:net";
import type { Runtime, RuntimeOptions } from "greenroom";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { type BrowserOptions, launchBrowser } from "../../support/browser.ts";
import { Lines } from "../../support/lines.ts";
import { pageServer } from "../../support/page-bundle.ts";
import { chat, serve, stopServing } from "../../support/serving.ts";

type PagesOptions = Omit<RuntimeOptions<ReturnType<typeof chat>>, "layers">;
type Served = Awaited<ReturnType<typeof serve<ReturnType<typeof chat>>>>;

/** Opens tabs of one page in Chromium, whose connections go through a proxy to a runtime of each spec. */
export class Pages {
  #browser: Browser | undefined;
  #context: BrowserContext | undefined;
  #served: Served | undefined;
  #lines: Lines | undefined;
  readonly #start: (more: PagesOptions) => Promise<Served>;

  /**
   * @param program a file of `spec/client/pages`.
   * @param prepare adds the routes to the runtime of a spec.
   */
  constructor(
    program: string,
    prepare: (runtime: Served["runtime"]) => void,
    { isKeepingPages = false, ...options }: PagesOptions & Pick<BrowserOptions, "isKeepingPages"> = {},
  ) {
    let newServer: Awaited<ReturnType<typeof pageServer>>;
    const pages = this;
    before(async function () {
      this.timeout(180_000); // long enough to unpack the browser from npm
      [newServer, pages.#browser] = await Promise.all([
        pageServer(program),
        launchBrowser({ isKeepingPages }),
      ]);
    });
    after(() => this.#browser?.close());
    this.#start = async (more) => {
      const served = await serve({ layers: chat(), ...options, ...more }, newServer());
      prepare(served.runtime);
      return served;
    };
    beforeEach(async () => {
      this.#lines = await Lines.to(await this.startAnother());
      this.#context = await this.#browser?.newContext();
    });
    afterEach(async () => {
      await this.#context?.close();
      await this.#lines?.close();
      await stopServing();
    });
  }

  get browser(): Browser {
    return present(this.#browser);
  }

  get context(): BrowserContext {
    return present(this.#context);
  }

  get lines(): Lines {
    return present(this.#lines);
  }

  /** Starts another server, with a runtime of its own, which has these options too. @returns its port. */
  async startAnother(more: PagesOptions = {}): Promise<number> {
    this.#served = await this.#start(more);
    return portOf(this.#served);
  }

  get runtime(): Runtime<ReturnType<typeof chat>> {
    return present(this.#served).runtime;
  }

  /** The address of the page. Its sockets go to the same address. */
  get url(): string {
    return `http://127.0.0.1:${this.lines.port}/`;
  }

  async open(context: BrowserContext = this.context): Promise<Page> {
    const page = await context.newPage();
    await page.goto(this.url);
    return page;
  }
}

const portOf = ({ server }: Served): number => (server.address() as AddressInfo).port;

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("Pages are for specs, not for suites.");
  return value;
}
