import { mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { type BuildOptions, build } from "esbuild";
import { Redis } from "ioredis";
import { RedisStreamsLayer } from "../../../../layers/redis/index.ts";
import { Worker } from "../../../../layers/testing/index.ts";
import { startGateway } from "../../../faults/support/gateway.ts";
import { bundled } from "../../../support/bundled.ts";
import { run, startProcess } from "../../../support/child-process.ts";
import { freePort } from "../../../support/free-port.ts";
import { gate } from "../../../support/gate.ts";
import { type RedisServer, startRedisServer } from "../../../support/redis.ts";
import { until } from "../../support/until.ts";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const program = fileURLToPath(new URL("../support/blocked-worker.ts", import.meta.url));
const key = "{signs__queue__jobs}";

describe("LifeSigns", () => {
  let folder: string;
  let server: RedisServer;
  let tlsPort: number;
  let ca: string;
  let raw: Redis;
  before(async () => {
    folder = await mkdtemp(join(root, ".tmp-programs-"));
    const [tlsKey, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
    await run("openssl", [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ...["-days", "2", "-subj", "/CN=greenroom specs", "-addext", "subjectAltName=DNS:localhost"],
      ...["-keyout", tlsKey, "-out", certificate],
    ]);
    ca = await readFile(certificate, "utf8");
    tlsPort = await freePort();
    server = await startRedisServer({
      args: [
        ...["--tls-port", String(tlsPort), "--tls-auth-clients", "no"],
        ...["--tls-cert-file", certificate, "--tls-key-file", tlsKey, "--tls-ca-cert-file", certificate],
      ],
    });
    raw = new Redis(server.url);
    await raw.call("ACL", "SETUSER", "app", "on", ">a secret", "~*", "&*", "+@all");
  });
  after(async () => {
    await raw?.quit();
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(() => raw.flushall());

  /** The server's time of the last life sign of the consumer that holds the job. */
  async function seenAt(client: Redis): Promise<unknown> {
    const info = JSON.stringify(await client.xinfo("STREAM", key, "FULL"));
    return /"seen-time",(\d+)/.exec(info)?.[1];
  }

  /** Runs a job that blocks the event loop for ever, and waits for life signs. */
  async function expectSigns(file: string, options: object, client = raw): Promise<void> {
    const sender = new RedisStreamsLayer({
      url: server.url,
      prefix: "signs",
      redis: { db: client.options.db ?? 0 },
    });
    let isBlocked = false;
    const printed: string[] = [];
    const read = (line: string) => {
      printed.push(line);
      isBlocked ||= line === "blocked";
      return line === "ready" || isBlocked;
    };
    const args = [file, JSON.stringify({ prefix: "signs", ...options })];
    const child = await startProcess(process.execPath, args, read);
    try {
      await sender.send("jobs", { type: "job" });
      await until(() => isBlocked);
      const signs = new Set<unknown>();
      await until(async () => signs.add(await seenAt(client)).size >= 5);
      expect(printed.filter((line) => line !== "ready")).to.deep.equal(["blocked"]);
    } finally {
      process.kill(child.pid, "SIGKILL");
      await child.exited;
      await sender.close();
    }
  }

  it("come from a process whose event loop is blocked", async () =>
    expectSigns(await bundled(program), { url: server.url }));

  it("use the login and the database of the layer", async () => {
    const client = new Redis(server.url, { db: 3 });
    try {
      const url = server.url.replace("//", "//app:a%20secret@");
      await expectSigns(await bundled(program), { url, redis: { db: 3 } }, client);
    } finally {
      await client.quit();
    }
  });

  it("use the TLS options of the layer, and the name in the server's certificate", async () =>
    expectSigns(await bundled(program), { url: `rediss://localhost:${tlsPort}`, redis: { tls: { ca } } }));

  const bundles: Record<string, BuildOptions> = {
    "an ES module": { format: "esm", outfile: "bundle.mjs" },
    "a CommonJS module": { format: "cjs", outfile: "bundle.cjs" },
  };
  for (const [form, options] of Object.entries(bundles)) {
    it(`come from a minified bundle in one file, as ${form}`, async () => {
      const outfile = join(folder, options.outfile ?? "");
      await build({
        ...options,
        outfile,
        entryPoints: [program],
        bundle: true,
        minify: true,
        keepNames: true,
        platform: "node",
        conditions: ["greenroom-source"],
        external: ["ioredis", "msgpackr"],
        logLevel: "error",
      });
      await expectSigns(outfile, { url: server.url });
    });
  }

  it("have one connection per server, which ends with the last consumption", async () => {
    const connections = async () =>
      String(await raw.client("LIST")).match(/name=greenroom-life-signs/g)?.length;
    const layer = new RedisStreamsLayer({ url: server.url, prefix: "signs" });
    const open = await Promise.all(["a", "b", "c"].map((name) => layer.consume(name, () => {})));
    expect(await connections()).to.equal(1);
    await open.shift()?.close();
    expect(await connections()).to.equal(1);
    await layer.close();
    await until(async () => (await connections()) === undefined);
  });

  it("follow the layer after a reconnect", async () => {
    const layer = new RedisStreamsLayer({ url: server.url, prefix: "signs", onError: () => {} });
    await layer.consume("jobs", () => {}, { claimAfterMs: 100 });
    const id = async () => /id=(\d+) .*name=greenroom-life-signs/.exec(String(await raw.client("LIST")))?.[1];
    const before = await id();
    await raw.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await until(async () => ![undefined, before].includes(await id()));
    await layer.close();
  });

  const failures: Record<string, () => Promise<{ options: object; close(): Promise<void> }>> = {
    async "cannot connect to the server"() {
      // Admits the layer's own connections: four, and one more per consumption.
      const gateway = await startGateway({ host: "127.0.0.1", port: server.port }, 4);
      return { options: { url: gateway.url }, close: () => gateway.close() };
    },
    async "cannot receive the TLS options, because they contain a function"() {
      const tls = { ca, checkServerIdentity: () => undefined };
      return { options: { url: `rediss://localhost:${tlsPort}`, redis: { tls } }, close: async () => {} };
    },
  };
  for (const [failure, arrange] of Object.entries(failures)) {
    it(`are reported as failed once if the thread ${failure}`, async () => {
      const { options, close } = await arrange();
      const errors: string[] = [];
      const onError = (error: unknown) => errors.push((error as Error).message);
      const layer = new RedisStreamsLayer({ ...options, prefix: "signs", onError } as never);
      try {
        const open = gate();
        const worker = new Worker(() => open.opened);
        await layer.consume("jobs", worker.handle, { claimAfterMs: 100 });
        await layer.send("jobs", { type: "job" });
        await worker.hasBegun(1);
        await until(() => errors.length > 0);
        // The event loop gives life signs.
        const signs = new Set<unknown>();
        await until(async () => signs.add(await seenAt(raw)).size >= 5);
        open.open();
        expect(errors).to.have.length(1);
        expect(errors[0]).to.match(
          /^The thread that gives life signs to Redis failed: .+ may go to other workers/,
        );
      } finally {
        await layer.close();
        await close();
      }
    });
  }
});
