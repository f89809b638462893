import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { run } from "../support/child-process.ts";
import { type Project, projectWithPackage } from "../support/installed-package.ts";

const versions = fileURLToPath(new URL("versions/node_modules", import.meta.url));
const current = fileURLToPath(new URL("../../node_modules/typescript", import.meta.url));

/** The oldest and the newest supported compiler, and two in between. */
const compilers = [
  ["5.4", join(versions, "typescript-5.4")],
  ["5.9", join(versions, "typescript-5.9")],
  ["6", join(versions, "typescript-6")],
  ["7", current],
] as const;

const everything = `
  export * as main from "greenroom";
  export * as redis from "greenroom/redis";
  export * as testing from "greenroom/testing";
  export * as visualise from "greenroom/visualise";
  export * as inspector from "greenroom/inspector";
  export * as asyncapi from "greenroom/asyncapi";
`;

/** Functions that return classes, without annotations: the compiler has to write the types of their results. */
const factories = `
  import { createRuntime, handlers, JsonWebSocketConsumer, machineConsumer, MemoryLayer, WebSocketConsumer } from "greenroom";
  import { communicate } from "greenroom/testing";
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
  import { inspector } from "greenroom/inspector";
  import { echo, light, Polite, roomOn, runtime } from "./types-${version}/factories.js";

  runtime.route("/echo", echo("> "));
  runtime.route("/room/:room", roomOn("chat"), { params: { room: groupName } });
  runtime.route("/polite", Polite);
  runtime.route("/light", light());
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

describe("The types of the package", function () {
  // The package has to be built first.
  this.timeout(300_000);
  let project: Project;

  before(async () => {
    project = await projectWithPackage("undici-types", "@types/node");
    project.link("ioredis");
    project.write("everything.ts", everything);
    project.write("factories.ts", factories);
  });

  async function compile(compiler: string, options: object, ...files: string[]): Promise<string> {
    const config = project.write("tsconfig.json", JSON.stringify({ compilerOptions: options, files }));
    const tsc = join(compiler, "bin/tsc");
    const { stdout } = await run(process.execPath, [tsc, "-p", config]).catch((failure) => failure);
    return stdout;
  }

  for (const [version, compiler] of compilers) {
    // Neither `skipLibCheck` nor the types of mocha, ws and msgpackr hide an error.
    it(`compile with TypeScript ${version}, which can write declarations of functions that return consumers`, async () => {
      const outDir = `types-${version}`;
      const options = { ...compilerOptions, outDir, emitDeclarationOnly: true, declaration: true };
      expect(await compile(compiler, options, "everything.ts", "factories.ts")).to.equal("");
      project.write("user.ts", userOf(version));
      expect(await compile(compiler, { ...compilerOptions, noEmit: true }, "user.ts")).to.equal("");
    });
  }

  it("compile for a bundler", async () => {
    const options = {
      ...compilerOptions,
      module: "esnext",
      moduleResolution: "bundler",
      lib: ["es2022", "dom"],
    };
    expect(await compile(current, { ...options, noEmit: true }, "everything.ts")).to.equal("");
  });

  it("compile with ioredis 5", async () => {
    project.link("ioredis", join(versions, "ioredis-5"));
    expect(await compile(current, { ...compilerOptions, noEmit: true }, "everything.ts")).to.equal("");
  });
});
