import { expect } from "chai";
import { type Demo, startDemo } from "../../demo/server.ts";

describe("The description of the demo's contracts", function () {
  this.timeout(60_000);
  let demo: Demo;
  before(async () => {
    demo = await startDemo({ port: 0 });
  });
  after(() => demo.close());

  it("is a document that the AsyncAPI parser accepts without a warning, with the frames of the room", async () => {
    const { Parser } = await import("@asyncapi/parser");
    const answer = await fetch(`${demo.url}/asyncapi.json`);
    expect(answer.headers.get("content-type")).to.include("json");
    const { document, diagnostics } = await new Parser().parse(await answer.text());
    expect(diagnostics).to.deep.equal([]);
    const channels = document?.channels().all() ?? [];
    expect(channels.map((channel) => channel.address())).to.deep.equal(["/ws/talk/{room}"]);
    const names = channels[0]
      ?.messages()
      .all()
      .map((message) => message.name());
    expect(names).to.include.members([
      "say",
      "rename",
      "typing",
      "welcome",
      "said",
      "came",
      "renamed",
      "went",
    ]);
  });

  it("is also a page", async () => {
    const answer = await fetch(`${demo.url}/asyncapi`);
    expect(answer.status).to.equal(200);
    expect(await answer.text())
      .to.include("/ws/talk/{room}")
      .and.include("greenroom.error");
  });
});
