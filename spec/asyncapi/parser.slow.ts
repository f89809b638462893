import type { Parser as AsyncApiParser, ParseOutput } from "@asyncapi/parser";
import { expect } from "chai";
import { type AsyncApiSource, asyncApi } from "greenroom/asyncapi";
import { createMachine } from "xstate";
import { stringify } from "yaml";
import { startDemo } from "../../demo/server.ts";
import { auction, room, withArktype, withValibot } from "./contracts.ts";

const machine = createMachine({
  initial: "idle",
  states: { idle: { on: { "frame.open": "open" } }, open: { on: { "frame.bid": "open" } } },
});

const cases: Readonly<Record<string, readonly AsyncApiSource[]>> = {
  "without contracts": [],
  "with schemas of zod": [room],
  "with schemas of arktype": [withArktype],
  "with schemas of valibot": [withValibot],
  "of a machine": [{ contract: auction, machine }],
  "of several contracts": [room, withArktype, withValibot, auction],
};

// The parser takes about 3 seconds to load and to compile its own schemas.
describe("The AsyncAPI parser", function () {
  this.timeout(60_000);
  let parser: AsyncApiParser;

  before(async () => {
    const { Parser } = await import("@asyncapi/parser");
    parser = new Parser();
  });

  const documentOf = (sources: readonly AsyncApiSource[]) =>
    asyncApi(sources, {
      title: "Specs",
      version: "1.0.0",
      servers: { local: { host: "localhost:8080", protocol: "ws" } },
    });
  const problems = ({ diagnostics }: ParseOutput) =>
    diagnostics.map(({ code, path, message }) => `${code} at ${path.join(".")}: ${message}`);

  for (const [name, sources] of Object.entries(cases)) {
    it(`accepts a document ${name}, without a warning`, async () => {
      expect(problems(await parser.parse(JSON.stringify(documentOf(sources))))).to.deep.equal([]);
    });
  }

  it("accepts the document of the demo, without a warning", async () => {
    const demo = await startDemo({ port: 0 });
    try {
      const text = await (await fetch(`${demo.url}/asyncapi.json`)).text();
      const output = await parser.parse(text);
      expect(problems(output)).to.deep.equal([]);
      expect(output.document?.operations().get("ws_talk_room.client.rename")?.reply()).not.to.equal(
        undefined,
      );
      expect(text).not.to.contain("cannot be written as JSON Schema");
    } finally {
      await demo.close();
    }
  });

  it("finds the operations, replies and parameters", async () => {
    const { document } = await parser.parse(JSON.stringify(documentOf([room])));
    const operation = document?.operations().get("ws_room_room.client.rename");
    expect(operation?.isReceive()).to.equal(true);
    expect(
      operation
        ?.messages()
        .all()
        .map((message) => message.name()),
    ).to.deep.equal(["rename"]);
    expect(
      operation
        ?.reply()
        ?.messages()
        .all()
        .map((message) => message.name()),
    ).to.deep.equal(["greenroom.reply", "greenroom.error"]);
    const [channel] = document?.channels().all() ?? [];
    expect(
      channel
        ?.parameters()
        .all()
        .map((parameter) => parameter.id()),
    ).to.deep.equal(["room"]);
  });

  it("accepts the document as YAML", async () => {
    const text = stringify(documentOf([room]), { aliasDuplicateObjects: false });
    expect(problems(await parser.parse(text))).to.deep.equal([]);
  });

  it("refuses a document with a mistake", async () => {
    const text = JSON.stringify(documentOf([room])).replace('"receive"', '"take"');
    expect(problems(await parser.parse(text))).not.to.deep.equal([]);
  });
});
