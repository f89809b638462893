import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { expect } from "chai";
import { type OriginGuardOptions, originGuard, type Scope } from "greenroom";

describe("originGuard", () => {
  async function ask(headers: IncomingHttpHeaders, options?: OriginGuardOptions): Promise<number | "in"> {
    const verdict = await originGuard(options)({ headers } as Scope, {} as IncomingMessage);
    return verdict && "status" in verdict ? verdict.status : "in";
  }

  it("admits pages of its own host, with any scheme, and with or without a default port", async () => {
    expect(await ask({ host: "app.example", origin: "http://app.example" })).to.equal("in");
    expect(await ask({ host: "app.example", origin: "https://app.example" })).to.equal("in");
    expect(await ask({ host: "app.example:443", origin: "https://app.example" })).to.equal("in");
    expect(await ask({ host: "localhost:8080", origin: "http://localhost:8080" })).to.equal("in");
    expect(await ask({ host: "APP.example", origin: "http://app.example" })).to.equal("in");
  });

  it("refuses foreign, null, look-alike and malformed origins", async () => {
    const foreign = [
      "http://evil.example",
      "null",
      "http://app.example.evil.example",
      "http://evilapp.example",
      "http://app.example:8081",
      "http://app.example@evil.example",
      "file://",
      "app.example",
      "",
    ];
    for (const origin of foreign) expect(await ask({ host: "app.example", origin }), origin).to.equal(403);
  });

  it("refuses any origin if the request has no valid Host header", async () => {
    expect(await ask({ host: "", origin: "file://" })).to.equal(403);
    expect(await ask({ origin: "http://app.example" })).to.equal(403);
  });

  it("admits a client without an origin, unless allowMissing is false", async () => {
    expect(await ask({ host: "app.example" })).to.equal("in");
    expect(await ask({ host: "app.example" }, { allowMissing: false })).to.equal(403);
  });

  it("admits exactly the origins in allow", async () => {
    const options = { allow: ["https://other.example", "http://dev.example:3000/"] };
    expect(await ask({ host: "app.example", origin: "https://other.example" }, options)).to.equal("in");
    expect(await ask({ host: "app.example", origin: "http://dev.example:3000" }, options)).to.equal("in");
    expect(await ask({ host: "app.example", origin: "http://other.example" }, options)).to.equal(403);
    expect(await ask({ host: "app.example", origin: "null" }, options)).to.equal(403);
  });

  it("throws if an entry of allow is not an origin", () => {
    for (const allow of ["other.example", "null", "file:///tmp", ""]) {
      expect(() => originGuard({ allow: [allow] }), allow).to.throw(TypeError, "is not an origin");
    }
  });
});
