import { expect } from "chai";
import type { RuntimeCounters } from "greenroom";
import { until } from "../layers/support/until.ts";
import type { RunningProcess } from "../support/child-process.ts";
import { Client } from "../support/client.ts";
import { RawClient } from "../support/raw-client.ts";
import { upgradeRequest } from "../support/raw-websocket.ts";
import { startFragmentsServer } from "./support/fragments-server.ts";

interface Figures extends RuntimeCounters {
  readonly heapUsed: number;
  readonly rss: number;
  readonly size: number;
}

const count = 10_000;

describe("An attack at the door with the default limits", () => {
  let target: RunningProcess;
  let url = "";

  async function start(options: object = {}): Promise<void> {
    ({ target, url } = await startFragmentsServer(128, options));
  }
  afterEach(async () => {
    if (target.isRunning) process.kill(target.pid, "SIGKILL");
    await target.exited;
  });

  /** Asks from an address of its own, because the limits of the attackers' address would refuse it. */
  async function figures(bystander: Client): Promise<Figures> {
    bystander.send("figures");
    return JSON.parse(String(await bystander.next()));
  }

  /**
   * Opens `count` sockets, 100 at a time, which send `text`, and go on with `all`. Meanwhile, a bystander gets its echo.
   */
  async function attack(text: string, all: (attackers: RawClient[]) => Promise<void>): Promise<void> {
    const bystander = await Client.open(`${url}/ws`, [], { localAddress: "127.0.0.9" });
    const before = await figures(bystander);
    const attackers: RawClient[] = [];
    while (attackers.length < count) {
      attackers.push(...(await Promise.all(Array.from({ length: 100 }, () => RawClient.open(url, text)))));
      bystander.send("still here");
      expect(await bystander.next()).to.equal("still here");
    }
    await all(attackers);
    const during = await figures(bystander);
    expect(during.rss).to.be.below(before.rss + 100e6);
    for (const { socket } of attackers) socket.destroy();
    await until(async () => (await figures(bystander)).size === 1);
    // The address is welcome again.
    const next = await RawClient.open(url, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    expect(await next.rest()).to.match(/^HTTP\/1.1 200 /);
    expect((await figures(bystander)).heapUsed).to.be.below(before.heapUsed + 10e6);
    await bystander.close();
  }

  it("of 10,000 upgrades opens 2,000 and gets 429 for the rest", async () => {
    await start();
    await attack(upgradeRequest("/ws"), async (attackers) => {
      const answers = await Promise.all(attackers.map((attacker) => attacker.until(/\r\n\r\n/)));
      expect(answers.filter((answer) => / 101 /.test(answer))).to.have.length(2_000);
      expect(answers.filter((answer) => / 429 /.test(answer))).to.have.length(8_000);
    });
  }).timeout(120_000);

  for (const [name, text] of [
    ["silent sockets", ""],
    ["unfinished requests", "GET /ws HTTP/1.1\r\nHost: a\r\nX-Slow"],
  ] as const) {
    it(`of 10,000 ${name} holds 2,000 of them, and loses these after connectTimeoutMs`, async () => {
      await start({ connectTimeoutMs: 5_000 });
      await attack(text, async (attackers) => {
        const answers = await Promise.all(attackers.map((attacker) => attacker.rest()));
        expect(answers.filter((answer) => / 429 /.test(answer)).length).to.be.at.least(count - 2 * 2_000);
        expect(answers.filter((answer) => / 408 /.test(answer)).length).to.be.at.least(2_000);
      });
    }).timeout(120_000);
  }
});
