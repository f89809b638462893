import { expect } from "chai";
import fc from "fast-check";
import { OriginList } from "../../../runtime/guards/origins.ts";

const isIn = (entry: string, origin: string) => new OriginList([entry]).has(origin);

describe("OriginList", () => {
  it("allows the origins of apps in web views, of browser extensions, and of pages without an origin", () => {
    for (const origin of [
      "capacitor://localhost",
      "ionic://localhost",
      "tauri://localhost",
      "chrome-extension://abcdefghijklmnop",
      "moz-extension://1234",
      "moz-extension://6ef0dbd5-4a27-4a33-a9cf-0e3ac9a9f4e1",
      "vscode-webview://x",
      "vscode-webview://0CAFE1",
      "app://.",
      "file://",
      "null",
      "http://[::1]:3000",
      "https://bücher.example",
    ]) {
      expect(isIn(origin, origin), origin).to.equal(true);
    }
    expect(isIn("https://bücher.example", "https://xn--bcher-kva.example")).to.equal(true);
    expect(isIn("TAURI://LocalHost", "tauri://localhost")).to.equal(true);
    expect(isIn("NULL", "null")).to.equal(true);
    expect(isIn("app://./", "app://.")).to.equal(true);
    expect(isIn("app://./", "app://evil.")).to.equal(false);
  });

  it("allows an origin with letters beyond ASCII however often it is asked", () => {
    const list = new OriginList(["https://bücher.example"]);
    for (let call = 0; call < 20_000; call += 1) {
      if (!list.has("https://bücher.example")) throw new Error(`Refused at call ${call}.`);
    }
  });

  it("does not allow null for a file: entry, or a file: page for null", () => {
    expect(isIn("file://", "null")).to.equal(false);
    expect(isIn("null", "file://")).to.equal(false);
    expect(isIn("tauri://localhost", "https://localhost")).to.equal(false);
    expect(isIn("tauri://localhost", "null")).to.equal(false);
  });

  it("allows a host and its subdomains of any depth with a wildcard, and no other host", () => {
    for (const entry of ["https://*.example.com", "https://.example.com", ".example.com", "*.example.com"]) {
      for (const host of ["example.com", "a.example.com", "a.b.example.com", "A.EXAMPLE.com"]) {
        expect(isIn(entry, `https://${host}`), `${entry} ${host}`).to.equal(true);
      }
      for (const host of ["evilexample.com", "example.com.evil.org", "com", "a.example.com:8443"]) {
        expect(isIn(entry, `https://${host}`), `${entry} ${host}`).to.equal(false);
      }
    }
    expect(isIn("https://*.example.com", "http://a.example.com")).to.equal(false);
  });

  it("allows every port with a wildcard, else only the port of the entry", () => {
    for (const port of ["", ":80", ":3000", ":65535"]) {
      expect(isIn("http://localhost:*", `http://localhost${port}`), port).to.equal(true);
    }
    expect(isIn("http://localhost:*", "https://localhost:3000")).to.equal(false);
    expect(isIn("http://[::1]:*", "http://[::1]:5173")).to.equal(true);
    expect(isIn("https://*.example.com:*", "https://a.example.com:8443")).to.equal(true);
    expect(isIn("tauri://localhost:*", "tauri://localhost:1")).to.equal(true);
    expect(isIn("https://example.com:443", "https://example.com")).to.equal(true);
    expect(isIn("https://example.com", "https://example.com:443")).to.equal(true);
    expect(isIn("https://example.com", "https://example.com:8443")).to.equal(false);
  });

  it("takes an entry without a scheme for http and https, and for no other scheme", () => {
    expect(isIn("example.com", "https://example.com")).to.equal(true);
    expect(isIn("example.com", "http://example.com")).to.equal(true);
    expect(isIn("example.com:443", "https://example.com")).to.equal(true);
    expect(isIn("localhost:5173", "http://localhost:5173")).to.equal(true);
    expect(isIn("localhost:*", "http://localhost:5173")).to.equal(true);
    expect(isIn("example.com", "https://example.com:8443")).to.equal(false);
    expect(isIn("example.com", "chrome-extension://example.com")).to.equal(false);
    expect(isIn("example.com", "tauri://example.com")).to.equal(false);
  });

  it("refuses an entry that no origin can match, and says how to write it", () => {
    for (const entry of [
      "https://example.com/app",
      "https://example.com?a",
      "https://example.com#a",
      "https://ada@example.com",
      "https://",
      "https://*",
      "https://*.",
      "https://*.*.example.com",
      "https://a*.example.com",
      "https://example.*",
      "https://*.0.0.1",
      ".127.0.0.1",
      "https://*.[::1]",
      "https://example.com:99999",
      "https://exa mple.com",
      "file:///tmp",
      "http://example.com:80:*",
      "http://example.com:",
      "localhost:",
      "https:",
      "data:",
      "app://*./",
      "app://*..",
      "tauri:localhost",
      "//example.com",
      "",
      /example/ as never,
      undefined as never,
    ]) {
      expect(() => new OriginList([entry]), entry).to.throw(
        TypeError,
        `"${entry}" is not an origin: write it like "https://app.example.com", "https://*.example.com" or ` +
          '"http://localhost:*", without a path.',
      );
    }
    for (const entry of ["wss://example.com", "ws://localhost:3000", "data://x", "blob://example.com"]) {
      expect(() => new OriginList([entry]), entry).to.throw(TypeError, `"${entry}" can never match`);
    }
    expect(() => new OriginList(["*"])).to.throw(TypeError, '"*" would admit the pages of all sites');
    expect(() => new OriginList("example.com" as never)).to.throw(TypeError, "must be an array of origins");
  });

  it("never allows a look-alike of an allowed host", () => {
    const label = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
    const domain = fc.tuple(label, label, label).map((labels) => labels.join("."));
    const forms = (host: string) => [
      `https://${host}`,
      `https://${host}:*`,
      `https://*.${host}`,
      `https://.${host}:*`,
      host,
      `.${host}`,
      `*.${host}:*`,
    ];
    const property = fc.property(domain, domain, label, (host, evil, word) => {
      fc.pre(evil !== host && !/^https?$/.test(word));
      const origins = [
        `https://${word}${host}`,
        `https://${word}-${host}`,
        `https://${host}${word}`,
        `https://${host}.${evil}`,
        `https://${host}.${evil}:443`,
        `https://${evil}`,
        `https://${host}@${evil}`,
        `https://${evil}/${host}`,
        `https://${evil}#.${host}`,
        `https://${evil}?.${host}`,
        `https://${evil}\\.${host}`,
        `https://${evil} https://${host}`,
        `https://${evil}, https://${host}`,
        `https://${host}.`,
        `https://${host.slice(host.indexOf(".") + 1)}`,
        `${word}://${host}`,
        `https:${host}`,
        host,
      ];
      for (const entry of forms(host)) {
        expect(isIn(entry, `https://${host}`), entry).to.equal(true);
        expect(isIn(entry, `https://${word}.${host}`), entry).to.equal(/^(https:\/\/)?\*?\./.test(entry));
        for (const origin of origins) expect(isIn(entry, origin), `${entry} ${origin}`).to.equal(false);
      }
    });
    fc.assert(property, {
      numRuns: 40,
      examples: [["www.example.com", "www.evil.org", "x"]],
    });
  });
});
