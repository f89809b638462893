import type { Locator, Page } from "playwright-core";

/** A panel, found by the accessible names of its parts. */
export class Panel {
  readonly page: Page;
  readonly region: Locator;
  readonly status: Locator;
  readonly timer: Locator;
  readonly log: Locator;
  readonly message: Locator;
  readonly send: Locator;
  readonly connect: Locator;
  readonly disconnect: Locator;
  readonly #id: string;

  constructor(page: Page, id: string) {
    this.page = page;
    this.#id = id;
    this.region = page.locator(`#${id}`);
    this.status = this.region.getByRole("status");
    this.timer = this.region.getByRole("timer");
    this.log = this.region.getByRole("log");
    this.message = this.region.getByRole("textbox", { name: /^(Message|Text)$/ });
    this.send = this.region.getByRole("button", { name: /^Send/ });
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

  /** Presses a key, because a click waits for animation frames, and a background tab has few of them. */
  async joins(): Promise<void> {
    await this.connect.press("Enter");
    await this.reaches("joined");
  }

  async leaves(): Promise<void> {
    await this.disconnect.press("Enter");
    await this.reaches("closed");
  }

  async says(text: string): Promise<void> {
    await this.message.fill(text);
    await this.message.press("Enter");
  }

  async lines(count: number): Promise<string[]> {
    const lines = this.log.locator(".line");
    await lines.nth(count - 1).waitFor();
    return lines.allTextContents();
  }

  isAtEnd(): Promise<boolean> {
    return this.log.evaluate((log) => log.scrollHeight - log.scrollTop - log.clientHeight < 2);
  }
}

export class RoomPanel extends Panel {
  readonly roomName = this.region.getByLabel("Room name");
  readonly person = this.region.getByLabel("Your name");
  readonly rename = this.region.getByRole("button", { name: "Rename" });
  readonly plug = this.region.getByRole("button", { name: /^(Pull the plug|Plug in)$/ });
  readonly present = this.region.getByRole("list", { name: /^In the room/ });

  /** Resolves once the member has the name `person`, if it is given. */
  override async joins(room?: string, person?: string): Promise<void> {
    if (room !== undefined) await this.roomName.fill(room);
    if (person !== undefined) await this.person.fill(person);
    await super.joins();
    if (person !== undefined) await this.log.getByText("You are now").last().waitFor();
  }

  /** The texts of members, each with its author, once there are `count`. */
  async texts(count: number): Promise<string[]> {
    const texts = this.log.locator('[data-kind="message"]');
    await texts.nth(count - 1).waitFor();
    return texts.allTextContents();
  }

  async members(count: number): Promise<string[]> {
    await this.region
      .locator(".present:not([data-doubtful]) [data-count]")
      .getByText(`${count}`, { exact: true })
      .waitFor();
    return this.present.getByRole("listitem").allTextContents();
  }
}

export class JobsPanel extends Panel {
  readonly kind = this.region.getByLabel("Kind of job");
  readonly cards = this.log.getByRole("article");

  async does(kind: string, text: string): Promise<Locator> {
    await this.kind.selectOption(kind);
    await this.says(text);
    return this.cards.last();
  }
}

export class AuctionPanel extends Panel {
  readonly lot = this.region.getByLabel("Lot", { exact: true });
  readonly person = this.region.getByLabel("Your name");
  readonly seconds = this.region.getByLabel("Seconds");
  readonly reserve = this.region.getByLabel("Reserve");
  readonly open = this.region.getByRole("button", { name: "Open" });
  readonly amount = this.region.getByLabel("Amount");
  readonly bid = this.region.getByRole("button", { name: "Bid" });
  readonly leading = this.region.locator(".leading");
  readonly facts = this.region.locator(".facts");
  readonly countdown = this.region.getByRole("timer", { name: "Time until the lot closes" });

  override async joins(lot?: string, person?: string): Promise<void> {
    if (lot !== undefined) await this.lot.fill(lot);
    if (person !== undefined) await this.person.fill(person);
    await super.joins();
  }

  /** Resolves once the lot is in this state, and the page has heard so from the server. */
  async shows(state: string): Promise<void> {
    await this.region.locator(`.board[data-lot="${state}"]:not([data-doubtful])`).waitFor();
  }

  async opens(seconds: number, reserve = 0): Promise<void> {
    await this.shows("idle");
    await this.seconds.fill(`${seconds}`);
    await this.reserve.fill(`${reserve}`);
    await this.open.press("Enter");
  }

  async bids(amount: number): Promise<void> {
    await this.amount.fill(`${amount}`);
    await this.amount.press("Enter");
  }
}

export class Tab {
  readonly page: Page;
  readonly system: Panel;
  readonly room: RoomPanel;
  readonly jobs: JobsPanel;
  readonly auction: AuctionPanel;
  readonly chat: Panel;
  readonly reliable: Panel;
  readonly notifications: Panel;
  readonly analytics: Panel;
  readonly errors: string[] = [];
  readonly requests: string[] = [];
  readonly sockets: string[] = [];

  constructor(page: Page) {
    this.page = page;
    // It is a limit for hangs. Some waits contain a pause of the client's own, of up to 5 s.
    page.setDefaultTimeout(30_000);
    page.on("console", (entry) => entry.type() === "error" && this.errors.push(entry.text()));
    page.on("pageerror", (error) => this.errors.push(String(error)));
    page.on("request", (request) => this.requests.push(request.url()));
    page.on("websocket", (socket) => this.sockets.push(socket.url()));
    this.system = new Panel(page, "system");
    this.room = new RoomPanel(page, "room");
    this.jobs = new JobsPanel(page, "jobs");
    this.auction = new AuctionPanel(page, "auction");
    this.chat = new Panel(page, "chat");
    this.reliable = new Panel(page, "reliable");
    this.notifications = new Panel(page, "notifications");
    this.analytics = new Panel(page, "analytics");
  }

  get panels(): Panel[] {
    const { system, room, jobs, auction, chat, reliable, notifications, analytics } = this;
    return [system, room, jobs, auction, chat, reliable, notifications, analytics];
  }

  /**
   * The sockets of the room panel so far. Opens a socket of another panel to prove that no earlier socket is
   * pending.
   * @param panel a panel that is not connected
   */
  async roomSockets(panel: "system" | "chat" = "system"): Promise<string[]> {
    const marker = this.page.waitForEvent("websocket", (socket) => socket.url().endsWith(`/ws/${panel}`));
    await this[panel].joins();
    await marker;
    return this.sockets.filter((url) => url.includes("/ws/talk/"));
  }

  async goesOnline(): Promise<void> {
    await this.page.evaluate("dispatchEvent(new Event('online'))");
  }

  /** Stops the timers of the page: only `page.clock` ends a pause. */
  async stopsTheClock(): Promise<void> {
    await this.page.clock.pauseAt(Date.now() + 60_000);
  }
}

/** Polls a condition that has no locator, until it holds or the spec times out. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition()));
}
