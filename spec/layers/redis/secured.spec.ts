import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { expect } from "chai";
import { Redis } from "ioredis";
import type { ChannelLayer } from "../../../layers/channel-layer.ts";
import { LayerUnavailableError } from "../../../layers/errors.ts";
import { RedisPubSubLayer, RedisStreamsLayer } from "../../../layers/redis/index.ts";
import { Recorder } from "../../../layers/testing/index.ts";
import { run } from "../../support/child-process.ts";
import { freePort } from "../../support/free-port.ts";
import { type RedisServer, startRedisServer } from "../../support/redis.ts";
import { until } from "../support/until.ts";

const password = "hunter2-%-secret";

describe("a layer over TLS and with a password", () => {
  let folder: string;
  let ca: string;
  let tlsPort: number;
  let server: RedisServer;
  let raw: Redis;
  let layers: ChannelLayer[];
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "greenroom-tls-"));
    const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
    await run("openssl", [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ...["-days", "2", "-subj", "/CN=greenroom specs", "-addext", "subjectAltName=IP:127.0.0.1"],
      ...["-keyout", key, "-out", certificate],
    ]);
    ca = await readFile(certificate, "utf8");
    tlsPort = await freePort();
    // A cluster of one node also works as a single server.
    server = await startRedisServer({
      password,
      args: [
        ...["--tls-port", String(tlsPort), "--tls-auth-clients", "no", "--tls-cluster", "yes"],
        ...["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", certificate],
        ...["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--dir", folder],
        ...["--cluster-port", String(await freePort())],
      ],
    });
    raw = new Redis(server.url, { enableReadyCheck: false });
    await raw.call("CLUSTER", "ADDSLOTSRANGE", 0, 16_383);
    await until(async () => String(await raw.call("CLUSTER", "INFO")).includes("cluster_state:ok"));
  });
  after(async () => {
    await raw?.quit();
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(() => {
    layers = [];
  });
  afterEach(() => Promise.all(layers.map((layer) => layer.close())));

  /** The server port of each connection of a layer. */
  async function portsInUse(): Promise<Set<string | undefined>> {
    const lines = String(await raw.client("LIST")).split("\n");
    const ours = lines.filter((line) => line.includes("name=greenroom-"));
    return new Set(ours.map((line) => / laddr=\S+:(\d+) /.exec(line)?.[1]));
  }

  /** Sends messages between two nodes. */
  async function expectTraffic(start: () => ChannelLayer, port: number): Promise<void> {
    layers = [start(), start()];
    const [sender, receiver] = layers as [ChannelLayer, ChannelLayer];
    const inbox = new Recorder();
    const channel = await receiver.newChannel(inbox);
    await receiver.groupAdd("room", channel);
    await sender.groupSend("room", { type: "to.group" });
    await inbox.next("to.group");
    await sender.send(channel, { type: "to.channel" });
    await inbox.next("to.channel");
    expect([...(await portsInUse())]).to.deep.equal([String(port)]);
  }

  /** Returns the error of a layer that cannot open. Checks that it does not contain the password. */
  async function refusal(layer: ChannelLayer): Promise<string> {
    layers.push(layer);
    const error = await layer.ready().then(
      () => expect.fail("It opened."),
      (reason: Error) => reason,
    );
    expect(error).to.be.instanceOf(LayerUnavailableError);
    expect(inspect(error, { depth: 9, showHidden: true })).not.to.include("hunter2");
    return error.message;
  }

  const secret = encodeURIComponent(password);
  const prefix = "secured";
  for (const Layer of [RedisPubSubLayer, RedisStreamsLayer]) {
    it(`carries messages of a ${Layer.name} over a rediss URL, with the password in it or beside it`, async () => {
      const tls = { ca };
      const withLogin = `rediss://:${secret}@127.0.0.1:${tlsPort}`;
      await expectTraffic(() => new Layer({ url: withLogin, prefix, redis: { tls } }), tlsPort);
      await Promise.all(layers.map((layer) => layer.close()));
      const url = `rediss://127.0.0.1:${tlsPort}`;
      await expectTraffic(() => new Layer({ url, prefix, redis: { tls, password } }), tlsPort);
    });

    it(`carries messages of a ${Layer.name} without TLS if the URL says so`, async () => {
      const url = `redis://127.0.0.1:${server.port}`;
      await expectTraffic(() => new Layer({ url, prefix, redis: { password } }), server.port);
    });

    it(`does not open a ${Layer.name} with another certificate authority or password`, async () => {
      const url = `rediss://127.0.0.1:${tlsPort}`;
      expect(await refusal(new Layer({ url, prefix, redis: { password } }))).to.match(/certificate/);
      const tls = { ca };
      expect(await refusal(new Layer({ url, prefix, redis: { tls } }))).to.match(/NOAUTH|AUTH/);
      const wrong = { tls, password: "hunter2-wrong" };
      expect(await refusal(new Layer({ url, prefix, redis: wrong }))).to.match(/WRONGPASS/);
      const plain = `redis://:${secret}@127.0.0.1:${tlsPort}`;
      expect(await refusal(new Layer({ url: plain, prefix, connectTimeoutMs: 500 }))).to.include(
        `127.0.0.1:${tlsPort}`,
      );
    });
  }

  // Such a socket may emit two errors. ioredis listens for the first error only, and the second would end the
  // process.
  it("only rejects `ready` if the certificate is not accepted, each time", async () => {
    const url = `rediss://127.0.0.1:${tlsPort}`;
    for (let round = 0; round < 40; round += 1) {
      const options = { url, prefix, redis: { password } };
      const refused = Array.from({ length: 4 }, () => refusal(new RedisPubSubLayer(options)));
      for (const message of await Promise.all(refused)) expect(message).to.match(/certificate/);
    }
  });

  it("carries messages of a RedisPubSubLayer over a cluster", async () => {
    const cluster = [{ host: "127.0.0.1", port: tlsPort }];
    const redis = { password, tls: { ca } };
    await expectTraffic(() => new RedisPubSubLayer({ cluster, prefix, redis }), tlsPort);
    await Promise.all(layers.map((layer) => layer.close()));
    const plain = [{ host: "127.0.0.1", port: server.port }];
    await expectTraffic(
      () => new RedisPubSubLayer({ cluster: plain, prefix, redis: { password } }),
      server.port,
    );
  });

  it("does not open over a cluster with another certificate authority or password", async () => {
    const cluster = [{ host: "127.0.0.1", port: tlsPort }];
    const wrong = { password: "hunter2-wrong", tls: { ca } };
    expect(await refusal(new RedisPubSubLayer({ cluster, prefix, redis: wrong }))).to.match(/WRONGPASS/);
    expect(await refusal(new RedisPubSubLayer({ cluster, prefix, redis: { tls: { ca } } }))).to.match(/AUTH/);
    const unknown = { password, tls: {} };
    expect(await refusal(new RedisPubSubLayer({ cluster, prefix, redis: unknown }))).to.match(/certificate/);
  });
});
