import { expect } from "chai";
import fc from "fast-check";
import type { Gap } from "../../../layers/message.ts";
import type { Budget } from "../../../layers/scheduling/lane.ts";
import { type Item, Mailbox, type MailboxOwner } from "../../../runtime/mailbox/mailbox.ts";
import { Scheduler } from "../../../runtime/scheduler/scheduler.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { mail, unlimitedFrames } from "../support/mailbox-owner.ts";

/** The outcome of a handler: it returns, throws, or its promise settles after some microtasks or turns. */
interface Plan {
  readonly how: "returns" | "throws" | "resolves" | "rejects" | "resolves later" | "rejects later";
  readonly ms: number;
}

type Step =
  | { readonly do: "frame"; readonly by: "socket" | "code" | "a turn without time"; readonly plan: Plan }
  | { readonly do: "message" | "gap"; readonly plan: Plan }
  | { readonly do: "work" | "turn" | "microtask" | "drain" };

const noTime: Budget = { hasTime: false, charge() {} };
const settings = {
  capacity: 6,
  overflow: "close",
  frameHighWaterMark: 3,
  waitingFrames: unlimitedFrames(),
} as const;

/** A mailbox whose handlers follow their plans. Records violations of the promises of a mailbox. */
class World implements MailboxOwner {
  time = 0;
  readonly scheduler = new Scheduler(() => this.time);
  readonly mailbox = new Mailbox(this, settings, this.scheduler);
  readonly given = new Map<string, Plan>();
  readonly handled: string[] = [];
  readonly failures: string[] = [];
  readonly violations: string[] = [];
  isPaused = false;
  #current: string | undefined;
  #worksGiven = 0;
  #worksBegun = 0;

  start(): void {
    this.#current = "start";
    const started = Promise.resolve().then(() => this.#end());
    this.mailbox.start(started);
  }

  async play(step: Step): Promise<void> {
    const { mailbox, scheduler } = this;
    const n = this.given.size;
    if (step.do === "frame") {
      this.given.set(`frame ${n}`, step.plan);
      const budgets = { socket: scheduler.inlineBudget(), code: undefined, "a turn without time": noTime };
      if (!mailbox.enqueueFrame(`frame ${n}`, budgets[step.by])) this.violations.push("a frame is refused");
    } else if (step.do === "message") {
      this.given.set(`message ${n}`, step.plan);
      if (mailbox.enqueueMessage(mail(n)) === "enqueued") return;
      this.given.delete(`message ${n}`);
      if (this.#current === undefined && this.#worksBegun === this.#worksGiven) {
        this.violations.push("a message is refused although no handler is pending");
      }
    } else if (step.do === "gap") {
      this.given.set(`gap ${n}`, step.plan);
      mailbox.enqueueGap({ group: `${n}` });
    } else if (step.do === "work" && this.#worksBegun === this.#worksGiven) {
      this.#worksGiven += 1;
      mailbox.runNext(() => this.#work());
    } else if (step.do === "drain") mailbox.drain(() => {});
    else if (step.do === "microtask") await Promise.resolve();
    else await nextTurn();
  }

  handle(item: Item): unknown {
    const name = nameOf(item);
    const { how, ms } = this.given.get(name) as Plan;
    if (this.#worksBegun < this.#worksGiven) this.violations.push(`${name} precedes work`);
    this.#begin(name);
    this.handled.push(name);
    this.time += ms;
    if (how.startsWith("resolves") || how.startsWith("rejects")) return this.#settle(name, how);
    this.#end();
    if (how === "throws") throw new Error(name);
    return undefined;
  }

  failed(error: unknown, item?: Item): void {
    this.failures.push((error as Error).message);
    if (item === undefined || nameOf(item) !== (error as Error).message) {
      this.violations.push("a failure names another item");
    }
  }

  pause(): void {
    if (this.isPaused) this.violations.push("the client is paused twice");
    this.isPaused = true;
  }

  resume(): void {
    if (!this.isPaused) this.violations.push("the client is resumed twice");
    this.isPaused = false;
  }

  async #settle(name: string, how: Plan["how"]): Promise<void> {
    await (how.endsWith("later") ? nextTurn() : undefined);
    this.#end();
    if (how.startsWith("rejects")) throw new Error(name);
  }

  async #work(): Promise<void> {
    this.#worksBegun += 1;
    this.#begin("work");
    await nextTurn();
    this.#end();
  }

  #begin(name: string): void {
    if (this.#current !== undefined) this.violations.push(`${name} overlaps ${this.#current}`);
    if (!this.mailbox.busy) this.violations.push(`the mailbox is not busy during ${name}`);
    this.#current = name;
  }

  #end(): void {
    this.#current = undefined;
  }
}

function nameOf(item: Item): string {
  if (typeof item === "string") return item;
  return "message" in item ? `message ${item.message.n}` : `gap ${(item as Gap).group}`;
}

const isFrame = (name: string) => name.startsWith("frame");

const plan = fc.record<Plan>({
  how: fc.constantFrom(
    "returns",
    "returns",
    "throws",
    "resolves",
    "rejects",
    "resolves later",
    "rejects later",
  ),
  ms: fc.constantFrom(0, 0, 0.01, 1, 5),
});
const frame = fc.record({
  do: fc.constant("frame" as const),
  by: fc.constantFrom("socket", "socket", "code", "a turn without time"),
  plan,
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: frame },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("message", "message", "gap"), plan }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("work", "turn", "turn", "microtask", "drain") }) },
);
/** Single steps, and many frames at once. */
const steps = fc.array(
  fc.oneof(
    { weight: 9, arbitrary: step.map((one) => [one]) },
    {
      weight: 1,
      arbitrary: fc.tuple(frame, fc.nat(100)).map(([one, count]) => Array(count).fill(one) as Step[]),
    },
  ),
  { maxLength: 40 },
);

describe("Mailbox, in any sequence of operations,", () => {
  it("handles each item once and alone, in the order of its kind, and reports each failure", async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (groups) => {
        const world = new World();
        world.start();
        for (const one of groups.flat()) await world.play(one);
        await world.mailbox.whenIdle();
        expect(world.violations).to.deep.equal([]);
        const given = [...world.given.keys()];
        expect(world.handled.filter(isFrame)).to.deep.equal(given.filter(isFrame));
        expect(world.handled.filter((name) => !isFrame(name))).to.deep.equal(
          given.filter((name) => !isFrame(name)),
        );
        const failing = world.handled.filter((name) =>
          /throws|rejects/.test(world.given.get(name)?.how ?? ""),
        );
        expect(world.failures).to.deep.equal(failing);
        expect(world.isPaused).to.equal(false);
        expect(world.mailbox.size).to.equal(0);
      }),
      { numRuns: 300 },
    );
  });

  it("handles nothing after it is closed, and becomes idle", async () => {
    await fc.assert(
      fc.asyncProperty(steps, steps, async (before, after) => {
        const world = new World();
        world.start();
        for (const one of before.flat()) await world.play(one);
        const { size } = world.mailbox;
        const handled = world.handled.length;
        expect(world.mailbox.close()).to.equal(size);
        expect(world.isPaused).to.equal(false);
        for (const one of after.flat()) {
          if (one.do === "turn" || one.do === "drain" || one.do === "microtask") await world.play(one);
        }
        await world.mailbox.whenIdle();
        expect(world.handled).to.have.length(handled);
        expect(world.violations).to.deep.equal([]);
      }),
      { numRuns: 200 },
    );
  });
});
