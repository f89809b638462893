import type { AddressInfo } from "node:net";
import { expect } from "chai";
import { MayHaveBeenTaken, type RawClient } from "greenroom/client";
import { WebSocket } from "ws";
import { rawClient } from "../../client/raw-client.ts";
import { until } from "../layers/support/until.ts";
import { Lines } from "../support/lines.ts";
import { chat, serve, stopServing } from "../support/serving.ts";
import { Counting } from "./support/counting.ts";
import { fastEnvironment } from "./support/fast-environment.ts";
import { expectOnceOrInAGap, Journal } from "./support/journal.ts";

/** Ends sessions early. */
class Forgetful extends Counting {
  static override readonly session = { resumeMs: 40, maxFrames: 60 };
  /** A gap tells a number of frames, so all of them have to be numbered texts. */
  override receiveBinary(): void {}
}

const clientCount = 12;
/** A number of rounds, not a time: a busy machine needs longer for as much harm. */
const rounds = 500;

/** A client that sends numbered texts, and bytes whose length is their number. */
class Sender {
  readonly client: RawClient;
  readonly path: string;
  readonly journal: Journal;
  readonly resolved: string[] = [];
  readonly rejected: unknown[] = [];
  sent = 0;
  bytes = 0;

  constructor(url: string, path: string) {
    this.path = path;
    this.client = rawClient({ url: url + path, WebSocket }, fastEnvironment);
    this.journal = new Journal(this.client);
  }

  /**
   * The actor of its present session. An upgrade that was held for long begins an actor after that one, which never
   * gets a client.
   */
  get actor(): Counting | undefined {
    const all = Counting.all.filter(({ scope }) => scope.path === this.path);
    return all.findLast(({ isAway }) => !isAway) ?? all.at(-1);
  }

  /** The texts that handlers have begun with, in all sessions. */
  get took(): string[] {
    return Counting.took.filter((text) => text.startsWith(`${this.path}:`));
  }

  get pending(): number {
    return this.sent - this.resolved.length - this.rejected.length;
  }

  send(count: number): void {
    for (let left = count; left > 0; left -= 1) {
      this.sent += 1;
      const text = `${this.path}:${this.sent}`;
      this.client.send(text).then(
        () => this.resolved.push(text),
        (error) => this.rejected.push(error),
      );
    }
  }

  /** Waits for a last frame of the actor. If the session ends meanwhile, of the next one. */
  async hearsTheLast(): Promise<void> {
    let { actor } = this;
    actor?.count();
    await until(() => {
      if (this.actor !== actor) {
        actor = this.actor;
        actor?.count();
      }
      return this.client.status.state === "joined" && this.journal.has(actor?.last ?? "");
    });
  }

  sendBytes(): void {
    this.bytes += 1;
    this.client.send(new Uint8Array(this.bytes)).catch(() => {});
  }

  texts(): string[] {
    return Array.from({ length: this.sent }, (_, index) => `${this.path}:${index + 1}`);
  }
}

/** Random integers below a limit. The same in each run. */
function randomIntegers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

describe("Clients behind a bad network", function () {
  this.timeout(120_000);
  let lines: Lines;
  let url: string;

  beforeEach(async () => {
    Counting.reset();
    const { runtime, server } = await serve({ layers: chat(), pingIntervalMs: 2_000 });
    runtime.route("/count/:client", Counting);
    runtime.route("/forgetful/:client", Forgetful);
    lines = await Lines.to((server.address() as AddressInfo).port);
    url = `http://127.0.0.1:${lines.port}`;
  });
  afterEach(async () => {
    await lines.close();
    await stopServing();
  });

  /** Exchanges frames for some rounds, and harms the lines. Then heals the lines, and waits until all is settled. */
  async function endure(route: string, seed: number): Promise<readonly Sender[]> {
    const senders = Array.from({ length: clientCount }, (_, index) => new Sender(url, `/${route}/${index}`));
    const below = randomIntegers(seed);
    for (let round = 0; round < rounds; round += 1) {
      for (const sender of senders) {
        if (below(2) === 0 && sender.pending < 300) sender.send(below(12));
        if (below(8) === 0) sender.sendBytes();
        sender.actor?.count(below(12));
      }
      for (const line of lines.open) {
        const harm = below(40);
        const direction = harm % 2 === 0 ? "up" : "down";
        if (harm < 4) line.hold(direction);
        else if (harm < 8) line.leak(direction, below(300));
        else if (harm < 9) line.cut();
        else if (harm < 10) line.cutClient();
        else if (harm < 14) line.release();
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await until(() => {
      lines.releaseAll();
      return senders.every(({ pending, client }) => pending === 0 && client.status.state === "joined");
    });
    await Promise.all(senders.map((sender) => sender.hearsTheLast()));
    await Promise.all(senders.map(({ client }) => client.close()));
    return senders;
  }

  it("exchange each frame once and in order, without a gap, in one session each", async () => {
    const senders = await endure("count", 1);
    for (const sender of senders) {
      expect(sender.took).to.deep.equal(sender.texts());
      expect(sender.resolved).to.deep.equal(sender.texts());
      expect(sender.journal.errors).to.deep.equal([]);
      expect(sender.journal.gaps).to.deep.equal([]);
      expectOnceOrInAGap(sender.journal.entries, sender.actor?.sent ?? 0);
      const lengths = sender.journal.bytes.map(({ length }) => length);
      expect(lengths).to.deep.equal(Array.from({ length: sender.bytes }, (_, index) => index + 1));
    }
    // A client whose `hello` is lost has no session yet. It begins another one.
    expect(Counting.all.filter(({ took }) => took.length > 0)).to.have.length(clientCount);
    expect(lines.count).to.be.greaterThan(10 * clientCount);
  });

  it("hear of a gap for each frame that is lost when sessions end early, and no frame is handled twice", async () => {
    const senders = await endure("forgetful", 2);
    for (const sender of senders) {
      const { took } = sender;
      const distinct = new Set(took);
      expect(took).to.deep.equal(sender.texts().filter((text) => distinct.has(text)));
      expect(sender.resolved.filter((text) => !distinct.has(text))).to.deep.equal([]);
      expectOnceOrInAGap(sender.journal.entries, sender.actor?.sent ?? 0);
      for (const error of sender.rejected) expect(error).to.be.instanceOf(MayHaveBeenTaken);
    }
    expect(senders.flatMap(({ rejected }) => rejected)).not.to.deep.equal([]);
    expect(Counting.all.length).to.be.greaterThan(clientCount);
  });
});
