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

  it("admits a foreign page only if all conditions of an entry hold", async () => {
    const options = { allow: ["https://*.example.com", "null", "tauri://localhost"] };
    const host = "app.example";
    expect(await ask({ host, origin: "https://a.example.com" }, options)).to.equal("in");
    expect(await ask({ host, origin: "null" }, options)).to.equal("in");
    expect(await ask({ host, origin: "tauri://localhost" }, options)).to.equal("in");
    expect(await ask({ host, origin: "https://evilexample.com" }, options)).to.equal(403);
    expect(await ask({ host, origin: "http://a.example.com" }, options)).to.equal(403);
  });

  it("takes only pages over HTTP and HTTPS for pages of its own host", async () => {
    for (const origin of ["tauri://localhost", "chrome-extension://localhost", "ftp://localhost"]) {
      expect(await ask({ host: "localhost", origin }), origin).to.equal(403);
    }
  });

  it("admits a page's plain request to its own server, which has no Origin, if allowMissing is false", async () => {
    const own = { host: "app.example", "sec-fetch-site": "same-origin" };
    expect(await ask(own, { allowMissing: false })).to.equal("in");
    for (const site of ["same-site", "cross-site", "none"]) {
      expect(await ask({ ...own, "sec-fetch-site": site }, { allowMissing: false }), site).to.equal(403);
    }
    const foreign = { ...own, origin: "https://evil.example" };
    expect(await ask(foreign, { allowMissing: false })).to.equal(403);
  });

  it("throws if an entry of allow is not an origin", () => {
    for (const allow of ["https://other.example/app", "file:///tmp", ""]) {
      expect(() => originGuard({ allow: [allow] }), allow).to.throw(TypeError, "is not an origin");
    }
  });
});
