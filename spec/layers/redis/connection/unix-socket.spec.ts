import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { LayerUnavailableError } from "../../../../layers/errors.ts";
import { RedisPubSubLayer, RedisStreamsLayer } from "../../../../layers/redis/index.ts";
import { Recorder } from "../../../../layers/testing/index.ts";
import { type RedisServer, startRedisServer } from "../../../support/redis.ts";

const password = "hunter2";

describe("a layer over a Unix socket", () => {
  let folder: string;
  let servers: RedisServer[];
  let paths: string[];
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "greenroom-unix-"));
    paths = ["one.sock", "two.sock"].map((name) => join(folder, name));
    servers = await Promise.all(
      paths.map((path) => startRedisServer({ password, args: ["--unixsocket", path] })),
    );
  });
  after(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await rm(folder, { recursive: true, force: true });
  });

  for (const Layer of [RedisPubSubLayer, RedisStreamsLayer]) {
    it(`carries messages of a ${Layer.name}, on one server and on several hosts`, async () => {
      const [url = "", other = ""] = paths.map((path) => `unix://${path}`);
      for (const target of [{ url }, { hosts: [url, other] }]) {
        const layer = new Layer({ ...target, prefix: "unix", redis: { password } });
        const inbox = new Recorder();
        const channel = await layer.newChannel(inbox);
        for (const group of ["a", "b", "c", "d"]) {
          await layer.groupAdd(group, channel);
          await layer.groupSend(group, { type: group });
          await inbox.next(group);
        }
        await layer.close();
      }
    });
  }

  it("uses `credentials`", async () => {
    const url = `unix://${paths[0]}`;
    const layer = new RedisPubSubLayer({ url, prefix: "unix", credentials: () => ({ password }) });
    await layer.ready();
    await layer.close();
  });

  it("names the path if no server listens, and never the password", async () => {
    const url = `unix://${join(folder, "none.sock")}`;
    const layer = new RedisPubSubLayer({ url, prefix: "unix", redis: { password } });
    const error = await layer.ready().catch((reason: Error) => reason);
    expect(error).to.be.instanceOf(LayerUnavailableError);
    expect(error)
      .to.have.property("message")
      .that.includes(`Redis at ${join(folder, "none.sock")} cannot be reached`)
      .and.not.includes(password);
    await layer.close();
  });
});
