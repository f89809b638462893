import { expect } from "chai";
import { type Demo, startDemo } from "../../demo/server.ts";
import { until } from "../layers/support/until.ts";
import { Client } from "../support/client.ts";
import { startRedisServer } from "../support/redis.ts";

describe("The probes of the demo", () => {
  let demo: Demo | undefined;
  afterEach(async () => {
    await demo?.close();
    demo = undefined;
  });

  const probe = async (path: string) => {
    const response = await fetch(`${demo?.url}${path}`);
    return { status: response.status, text: await response.text() };
  };

  it("tell that Redis is lost, without its address, while the process counts as live", async () => {
    const redis = await startRedisServer({ password: "open-sesame" });
    demo = await startDemo({ port: 0, redisUrl: redis.url, drainMs: 100, onError() {} });
    expect((await probe("/readyz")).status).to.equal(200);
    await redis.kill();
    await until(async () => (await probe("/readyz")).status === 503);
    for (const path of ["/readyz", "/healthz"]) {
      const { status, text } = await probe(path);
      expect(status).to.equal(503);
      const { status: word, layers } = JSON.parse(text);
      expect(word).to.equal("unavailable");
      expect(layers).to.deep.include({ memory: { ok: true }, chat: { ok: false } });
      expect(text).not.to.match(new RegExp(`127\\.0\\.0\\.1|${redis.port}|open-sesame|redis|ECONN`, "i"));
    }
    expect(await probe("/livez")).to.deep.equal({ status: 200, text: '{"status":"ok"}' });
  });

  it("tell that the server drains, while the process counts as live", async () => {
    demo = await startDemo({ port: 0, drainMs: 5_000 });
    // A client that does not answer the close frame, so the server drains until it has gone.
    const client = await Client.open(`${demo.url}/ws/system`);
    client.websocket.pause();
    const closing = demo.close();
    for (const path of ["/readyz", "/healthz"]) {
      const { status, text } = await probe(path);
      expect([status, JSON.parse(text).status]).to.deep.equal([503, "draining"]);
    }
    expect((await probe("/livez")).status).to.equal(200);
    client.websocket.terminate();
    await closing;
  });
});
