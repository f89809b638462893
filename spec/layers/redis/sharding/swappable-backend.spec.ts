import { AsyncLocalStorage } from "node:async_hooks";
import { expect } from "chai";
import type {
  BackendListener,
  Capabilities,
  Consumption,
  QueueReceiver,
} from "../../../../layers/backend.ts";
import {
  type ReplaceableBackend,
  SwappableBackend,
} from "../../../../layers/redis/sharding/swappable-backend.ts";
import { until } from "../../support/until.ts";

const capabilities: Capabilities = {
  delivery: "at-most-once",
  crossProcess: true,
  history: false,
  workers: true,
  state: false,
};

const receiver: QueueReceiver = { job: async () => "done", error() {} };
const settings = { concurrency: 1, claimAfterMs: 1_000 };

/** A backend whose calls wait until a spec settles them, and fail when it is closed. */
class Place implements ReplaceableBackend {
  readonly capabilities = capabilities;
  readonly health = { ok: true };
  readonly topics = new Set<string>();
  readonly pending: { succeed(): void; fail(): void }[] = [];
  consumers = 0;
  onConsumptionClosed = () => {};
  isAbandoned = false;
  isClosed = false;
  listener: BackendListener | undefined;

  readonly queues = {
    enqueue: () => this.#answer(() => true),
    delete: () => this.#answer(() => 0),
    size: () => this.#answer(() => 0),
    consume: () =>
      this.#answer((): Consumption => {
        this.consumers += 1;
        const close = async () => {
          this.consumers = 0;
          this.onConsumptionClosed();
        };
        return { close };
      }),
  };

  async open(listener: BackendListener): Promise<void> {
    this.listener = listener;
  }

  publish = () => this.#answer(() => {});
  subscribe = (topic: string) => this.#answer(() => void this.topics.add(topic));

  async unsubscribe(topic: string): Promise<void> {
    this.topics.delete(topic);
  }

  abandon(): void {
    expect(this.isClosed).to.equal(false);
    this.isAbandoned = true;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const { fail } of this.pending.splice(0)) fail();
  }

  /** Settles the oldest pending call, or waits for one. */
  async next(how: "succeed" | "fail"): Promise<void> {
    await until(() => this.pending.length > 0);
    this.pending.shift()?.[how]();
  }

  #answer<T>(effect: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.pending.push({ succeed: () => resolve(effect()), fail: () => reject(new Error("closed")) });
    });
  }
}

class Swapped extends SwappableBackend {
  readonly first = new Place();

  constructor() {
    super(capabilities, globalThis);
  }

  protected override async createFirst(): Promise<ReplaceableBackend> {
    return this.first;
  }

  swapTo = (next: ReplaceableBackend) => this.swap(next);
}

async function start() {
  const backend = new Swapped();
  const heard: string[] = [];
  await backend.open({
    payload: (topic, payload) => heard.push(`${topic}: ${Buffer.from(payload)}`),
    gap: (topic) => heard.push(`${topic}: gap`),
    error: (error) => heard.push(`error: ${error.message}`),
  });
  const consume = () =>
    backend.queues?.consume("jobs", receiver, settings) ?? expect.fail("There are no queues.");
  return { backend, first: backend.first, second: new Place(), heard, consume };
}

describe("SwappableBackend", () => {
  it("asks its listener for room", async () => {
    const backend = new Swapped();
    const room = Promise.resolve();
    await backend.open({ payload() {}, gap() {}, error() {}, room: () => room });
    expect(backend.first.listener?.room?.()).to.equal(room);
  });

  it("subscribes every topic at the new backend, with one gap before its first payload", async () => {
    const { backend, first, second, heard } = await start();
    for (const topic of ["a", "b"]) {
      const joining = backend.subscribe(topic);
      await first.next("succeed");
      await joining;
    }
    expect(await backend.swapTo(second)).to.equal(true);
    await until(() => second.pending.length === 2);
    first.listener?.payload("a", Buffer.from("late"));
    second.listener?.payload("b", Buffer.from("early"));
    await second.next("fail");
    await second.next("succeed");
    await second.next("succeed");
    await until(() => second.topics.size === 2 && heard.length === 4);
    second.listener?.payload("a", Buffer.from("more"));
    expect(heard).to.deep.equal(["b: gap", "b: early", "error: closed", "a: gap", "a: more"]);
    expect(first.isClosed).to.equal(true);
    await backend.close();
    expect(second.isClosed).to.equal(true);
  });

  // If they were sent later, they would come after newer messages of the new backend.
  it("rejects the calls that wait at the old backend before it is closed, but not when the layer closes", async () => {
    const { backend, first, second } = await start();
    await backend.swapTo(second);
    expect([first.isAbandoned, first.isClosed]).to.deep.equal([true, true]);
    await backend.close();
    expect([second.isAbandoned, second.isClosed]).to.deep.equal([false, true]);
  });

  it("moves a subscription that is under way to the new backend, without a gap", async () => {
    const { backend, first, second, heard } = await start();
    const joining = backend.subscribe("a");
    await until(() => first.pending.length === 1);
    await backend.swapTo(second);
    await second.next("succeed");
    await joining;
    expect([...second.topics]).to.deep.equal(["a"]);
    expect(heard).to.deep.equal([]);
    await backend.close();
  });

  // Node warns of more than ten listeners on a signal by default.
  it("retries many topics without a warning", async () => {
    const { backend, first, second } = await start();
    const warnings: unknown[] = [];
    const hear = (warning: unknown) => warnings.push(warning);
    process.on("warning", hear);
    const topics = Array.from({ length: 20 }, (_, index) => `topic ${index}`);
    for (const topic of topics) {
      const joining = backend.subscribe(topic);
      await first.next("succeed");
      await joining;
    }
    await backend.swapTo(second);
    await until(() => second.pending.length === topics.length);
    for (const { fail } of second.pending.splice(0)) fail();
    await until(() => second.pending.length === topics.length);
    for (const { succeed } of second.pending.splice(0)) succeed();
    await until(() => second.topics.size === topics.length);
    process.off("warning", hear);
    expect(warnings).to.deep.equal([]);
    await backend.close();
  });

  it("rejects a publish that is under way, because it may have arrived", async () => {
    const { backend, first, second } = await start();
    const sending = backend.publish("a", Buffer.from("x")).catch((error: Error) => error);
    await until(() => first.pending.length === 1);
    await backend.swapTo(second);
    expect(await sending).to.have.property("code", "ERR_LAYER_UNAVAILABLE");
    await backend.close();
  });

  it("keeps the old backend and reports the error if the new one does not open", async () => {
    const { backend, first, second, heard } = await start();
    second.open = () => Promise.reject(new Error("not there"));
    expect(await backend.swapTo(second)).to.equal(false);
    expect(heard).to.deep.equal(["error: not there"]);
    expect(first.isClosed).to.equal(false);
    await backend.close();
    expect(first.isClosed).to.equal(true);
  });

  it("moves a consumption that is starting during a swap, once it has started", async () => {
    const { backend, first, second, consume } = await start();
    first.close = async () => {};
    const opening = consume();
    await until(() => first.pending.length === 1);
    await backend.swapTo(second);
    await first.next("succeed");
    const consumption = await opening;
    await second.next("succeed");
    await until(() => second.consumers === 1);
    expect(first.consumers).to.equal(0);
    await consumption.close();
    expect(second.consumers).to.equal(0);
    await backend.close();
  });

  it("moves a consumption that could not start at the old backend", async () => {
    const { backend, first, second, consume } = await start();
    const opening = consume();
    await until(() => first.pending.length === 1);
    await backend.swapTo(second);
    await second.next("succeed");
    const consumption = await opening;
    expect([first.consumers, second.consumers]).to.deep.equal([0, 1]);
    await consumption.close();
    expect(second.consumers).to.equal(0);
    await backend.close();
  });

  it("closes a consumption at the old backend in the async context of its caller", async () => {
    const context = new AsyncLocalStorage<string>();
    const { backend, first, second, consume } = await start();
    let closedIn: string | undefined;
    first.onConsumptionClosed = () => {
      closedIn = context.getStore();
    };
    const opening = context.run("caller", consume);
    await first.next("succeed");
    await opening;
    await backend.swapTo(second);
    await second.next("succeed");
    expect(closedIn).to.equal("caller");
    await backend.close();
  });

  it("starts nothing after `close`, and leaves no timer", async () => {
    const { backend, first, second, consume } = await start();
    const opening = consume();
    await first.next("succeed");
    await opening;
    await backend.swapTo(second);
    await second.next("fail");
    await backend.close();
    expect([first.consumers, second.consumers, second.pending.length]).to.deep.equal([0, 0, 0]);
  });
});
