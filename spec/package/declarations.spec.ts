import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { run } from "../support/child-process.ts";
import { type Project, projectWithPackage } from "../support/installed-package.ts";

const contracts = fileURLToPath(new URL("../types/contracts", import.meta.url));
const versions = fileURLToPath(new URL("versions/node_modules", import.meta.url));
const current = fileURLToPath(new URL("../../node_modules/typescript", import.meta.url));

/** Every minor version of TypeScript 5 that is supported, and the newest of each later major version. */
const compilers = [
  ...["5.4", "5.5", "5.6", "5.7", "5.8", "5.9", "6"].map(
    (version) => [version, join(versions, `typescript-${version}`)] as const,
  ),
  ["7", current] as const,
];

const everything = `
  export * as main from "greenroom";
  export * as redis from "greenroom/redis";
  export * as contract from "greenroom/contract";
  export * as client from "greenroom/client";
  export * as react from "greenroom/client/react";
  export * as testing from "greenroom/testing";
  export * as visualise from "greenroom/visualise";
  export * as inspector from "greenroom/inspector";
  export * as asyncapi from "greenroom/asyncapi";
  export * as metrics from "greenroom/metrics";
  export * as tracing from "greenroom/tracing";
`;

/** Functions that return classes, without annotations: the compiler has to write the types of their results. */
const factories = `
  import { contractConsumer, createRuntime, frames, type Guard, handlers, JsonWebSocketConsumer, machineConsumer, MemoryLayer, relay, WebSocketConsumer } from "greenroom";
  import type { Client } from "greenroom/client";
  import { contract } from "greenroom/contract";
  import { communicate } from "greenroom/testing";
  import { z } from "zod";
  import { setup } from "xstate";

  export function echo(prefix: string) {
    return class extends WebSocketConsumer {
      override receive(text: string) {
        this.send(prefix + text);
      }
    };
  }

  export function roomOn<const L extends string>(layer: L) {
    return class Room extends JsonWebSocketConsumer<{ messages: { note: { text: string } }; params: "room" }> {
      static override readonly layer = layer;
      static override readonly on = handlers<Room>({
        note({ text }) {
          this.sendJson({ text, room: this.scope.params.room });
        },
      });
      override async receive(value: unknown) {
        await this.groupSend("room", { type: "note", text: String(value) });
      }
    };
  }

  export const talk = contract({
    path: "/talk/:room",
    client: {
      say: z.object({ text: z.string() }),
      count: { payload: z.object({}), reply: z.object({ members: z.number() }) },
    },
    server: { said: z.object({ text: z.string() }) },
  });

  export function talkOn<const L extends string>(layer: L) {
    return class Talk extends contractConsumer(talk)<{ messages: { said: { text: string } }; user: { id: string } }> {
      static override readonly layer = layer;
      static override readonly frames = frames<Talk>({
        say({ text }) {
          return this.groupSend(this.scope.params.room, { type: "said", text });
        },
        count: () => ({ members: 3 }),
      });
      static override readonly on = handlers<Talk>({ said: relay });
    };
  }
  export const authenticate: Guard<{ id: string }> = () => ({ user: { id: "ada" } });
  export const members = async (client: Client<typeof talk>) => (await client.ask("count", {})).members;

  type Constructor = abstract new (...args: any[]) => WebSocketConsumer;

  export function Greeting<B extends Constructor>(Base: B) {
    abstract class Greeting extends Base {
      greet() {
        this.send("hello");
      }
    }
    return Greeting;
  }

  export abstract class Plain extends WebSocketConsumer {}
  export class Polite extends Greeting(Plain) {}
  export const light = () => machineConsumer(setup({}).createMachine({}), { layer: "chat" });
  export const runtime = createRuntime({ layers: { chat: new MemoryLayer<{ note: { text: string } }>() } });
  export const spawned = () => runtime.spawn(Polite);
  export const session = () => communicate(Polite);
`;

const userOf = (version: string) => `
  import { groupName } from "greenroom";
  import { connect } from "greenroom/client";
  import { inspector } from "greenroom/inspector";
  import { authenticate, echo, light, Polite, roomOn, runtime, talk, talkOn } from "./types-${version}/factories.js";

  runtime.route("/echo", echo("> "));
  runtime.route("/room/:room", roomOn("chat"), { params: { room: groupName } });
  runtime.route("/polite", Polite);
  runtime.route("/light", light());
  runtime.route(talkOn("chat"), { guards: [authenticate] });
  connect(talk, { params: { room: "general" } });
  // @ts-expect-error no guard finds a user
  runtime.route(talkOn("chat"));
  // @ts-expect-error a parameter is missing
  connect(talk, {});
  inspector(runtime, { path: "/inspect" });
  // @ts-expect-error the pattern lacks a parameter
  runtime.route("/room", roomOn("chat"));
  // @ts-expect-error the runtime has no such layer
  runtime.route("/room/:room", roomOn("rooms"));
  // @ts-expect-error not a runtime
  inspector({}, { path: "/inspect" });
  // @ts-expect-error not a consumer
  runtime.route("/echo", class {});
`;

const compilerOptions = { module: "nodenext", target: "es2022", strict: true, types: ["node"] };

const forBundlers = {
  ...compilerOptions,
  module: "esnext",
  moduleResolution: "bundler",
  lib: ["es2022", "dom"],
  noEmit: true,
};

describe("The types of the package", function () {
  // The package has to be built first.
  this.timeout(600_000);
  let project: Project;

  before(async () => {
    project = await projectWithPackage(
      "undici-types",
      "prom-client",
      "@types/node",
      "@types/react",
      "csstype",
      "zod",
      "valibot",
      "arktype",
    );
    project.link("ioredis");
    project.link("@opentelemetry/api");
    project.write("everything.ts", everything);
    project.write("factories.ts", factories);
  });

  async function compile(compiler: string, options: object, ...files: string[]): Promise<string> {
    const config = project.write("tsconfig.json", JSON.stringify({ compilerOptions: options, files }));
    const tsc = join(compiler, "bin/tsc");
    const { stdout, stderr } = await run(process.execPath, [tsc, "-p", config]).catch((failure) => failure);
    return stdout + stderr;
  }

  for (const [version, compiler] of compilers) {
    // Neither `skipLibCheck` nor the types of mocha, ws and msgpackr hide an error.
    it(`compile for Node and bundlers with TypeScript ${version}, which writes declarations of consumers`, async () => {
      const outDir = `types-${version}`;
      const options = { ...compilerOptions, outDir, emitDeclarationOnly: true, declaration: true };
      expect(await compile(compiler, options, "everything.ts", "factories.ts")).to.equal("");
      project.write("user.ts", userOf(version));
      expect(await compile(compiler, forBundlers, "everything.ts", "user.ts")).to.equal("");
    });
  }

  it("accept and refuse contracts of zod, valibot and arktype, and machines, also in declarations", async () => {
    const files = readdirSync(contracts).map((name) =>
      project.write(name, readFileSync(join(contracts, name), "utf8")),
    );
    expect(files).to.have.length(8);
    const lib = ["es2023", "esnext.disposable", "dom", "dom.iterable", "dom.asynciterable"];
    const options = { ...compilerOptions, target: "es2023", lib, noImplicitOverride: true };
    const emit = { outDir: "contracts", emitDeclarationOnly: true, declaration: true };
    expect(await compile(current, { ...options, ...emit }, ...files)).to.equal("");
  });

  it("compile with ioredis 5", async () => {
    project.link("ioredis", join(versions, "ioredis-5"));
    expect(await compile(current, { ...compilerOptions, noEmit: true }, "everything.ts")).to.equal("");
  });
});
