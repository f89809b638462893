import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import type { Server } from "node:http";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect } from "chai";
import type { Runtime } from "greenroom";
import { RedisPubSubLayer } from "greenroom/redis";
import { Client } from "../support/client.ts";
import { writeReadmeFiles } from "../support/readme-files.ts";
import { redisUrl } from "../support/redis.ts";
import { closeServers, listening } from "../support/servers.ts";
import { isByMachine } from "../support/serving.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Well-formed messages of the wrong shape. */
const wrong = [
  { type: "said" },
  { type: "said", text: 1 },
  { type: "said", text: null },
  { type: "said", text: { toString: "x" } },
  { type: "said", words: "a" },
  { type: "constructor" },
];

/** The exports of the changed server. */
interface Example {
  readonly runtime: Runtime & { readonly layers: { readonly chat: RedisPubSubLayer } };
  readonly server: Server;
  readonly errors: readonly unknown[];
}

// Such a message reached the handler of each member. Each handler threw, so the connections of the room closed.
describe("The room chat of README.md", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(root, ".tmp-shapes-"));
  });
  afterEach(async () => {
    await closeServers();
    await rm(folder, { recursive: true });
  });

  /** Starts the server of README.md, unchanged but for its port, its layer, and what it exports. */
  async function start(layer: string): Promise<Example & { readonly url: string }> {
    await writeReadmeFiles(folder, (code) =>
      code
        .replace(
          "\n\n",
          '\nimport { RedisPubSubLayer } from "greenroom/redis";\nexport const errors = [];\n\n',
        )
        .replace("createRuntime({ ", "createRuntime({ onError: (error) => void errors.push(error), ")
        .replace("new MemoryLayer()", layer)
        .replace("const runtime", "export const server = createServer();\nexport const runtime")
        .replace("createServer().listen(8080)", "server"),
    );
    const example = (await import(pathToFileURL(join(folder, "server.ts")).href)) as Example;
    return { ...example, url: `${await listening(example.server, example.runtime)}/ws/room/tea` };
  }

  for (const [name, prefix] of [
    ["in memory", undefined],
    ["on Redis", randomUUID()],
  ] as const) {
    it(`keeps its members if messages of the wrong shape are sent to it, ${name}`, async () => {
      const options = { url: redisUrl(), prefix: prefix ?? "" };
      const { errors, runtime, url } = await start(
        prefix === undefined ? "new MemoryLayer()" : `new RedisPubSubLayer(${JSON.stringify(options)})`,
      );
      const members = [await Client.open(url), await Client.open(url)];
      const attacker = prefix === undefined ? runtime.layers.chat : new RedisPubSubLayer(options);
      for (const message of wrong) await attacker.groupSend("room_tea", message);
      if (prefix !== undefined) await attacker.close();
      members[0]?.send('{"type":"say","text":"still here"}');
      for (const member of members)
        expect(await member.next()).to.equal('{"type":"said","text":"💬 still here"}');
      expect(runtime.counters().dropped).to.include({ invalid: 10, unhandled: 2 });
      const reported = errors.filter((error) => !isByMachine(error));
      expect(reported).to.have.length(1);
      expect(reported[0]).to.have.property("code", "ERR_MESSAGE_SHAPE");
    });
  }
});
