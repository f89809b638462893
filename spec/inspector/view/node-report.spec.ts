import { expect } from "chai";
import { frameBytes, referenceBytes } from "../../../runtime/session/logged-frames.ts";
import { SessionClient } from "../../runtime/support/session-client.ts";
import { inspectRuntime, Talk } from "../../support/inspector-runtime.ts";
import { stopServing } from "../../support/serving.ts";

describe("NodeReport", () => {
  afterEach(stopServing);

  it("reports layers with their health, totals, rates and drops, and the runtime's drops", async () => {
    const { page, runtime } = await inspectRuntime();
    const talk = await runtime.spawn(Talk);
    talk.receive("hello");
    await page.next("tick", ({ figures }) => figures.framesInPerSecond > 0 && figures.framesOutPerSecond > 0);
    await runtime.layers.chat.send(`${talk.channel.split("!")[0]}!zz`, { type: "word", text: "?" });
    await runtime.layers.chat.groupSend("talk", { type: "nonsense" } as never);
    const tick = await page.next(
      "tick",
      ({ figures, layers }) => "unhandled" in figures.dropped && "no-channel" in (layers[0]?.dropped ?? {}),
    );
    const [layer] = tick.layers;
    expect(layer).to.deep.include({ alias: "chat", kind: "MemoryLayer", health: { ok: true } });
    expect(layer?.totals.published).to.be.at.least(2);
    expect(layer?.dropped["no-channel"]).to.include({ total: 1 });
    expect(layer?.dropped["no-channel"]?.perSecond).to.be.greaterThan(0);
    expect(layer?.perSecond.published).to.be.greaterThan(0);
    expect(tick.figures.deliveriesPerSecond).to.equal(layer?.perSecond.delivered);
    expect(Object.keys(tick.figures.dropped)).to.deep.equal(["unhandled"]);
    expect(Object.keys(layer?.dropped ?? {})).to.deep.equal(["no-channel"]);
    expect(tick.figures.dropped.unhandled).to.include({ total: 1 });
    expect(tick.figures.sessions).to.deep.equal({ away: 0, resumed: 0, keptBytes: 0 });
    expect(tick.figures.loopDelay.max).to.be.at.least(tick.figures.loopDelay.p50);
  });

  it("reports the sessions that are away, and the bytes that are kept for their clients", async () => {
    const { page, url, runtime } = await inspectRuntime();
    const sessionsUntil = async (away: number, keptBytes: number) =>
      (
        await page.next(
          "tick",
          ({ figures: { sessions: now } }) => now.away === away && now.keptBytes === keptBytes,
        )
      ).figures.sessions;
    const keptBytes = 2 + frameBytes + referenceBytes;
    const client = await SessionClient.open(`${url}/ws/a`);
    const { session } = await client.nextControl();
    await client.next();
    await sessionsUntil(0, keptBytes);
    client.cut();
    await sessionsUntil(1, keptBytes);
    const [actor] = (await page.list({ search: "joined.away" })).rows;
    expect(actor?.waitingBytes).to.equal(2);
    await SessionClient.resume(`${url}/ws/a`, String(session), 1, 1);
    expect(await sessionsUntil(0, 0)).to.deep.equal({ away: 0, resumed: 1, keptBytes: 0 });
    expect(runtime.size).to.equal(2);
  });
});
