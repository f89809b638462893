import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { get } from "node:http";
import { urlToHttpOptions } from "node:url";
import { expect } from "chai";
import type { AsyncApiDocument } from "greenroom/asyncapi";
import { talk } from "../../demo/contracts/talk.ts";
import { type Demo, startDemo } from "../../demo/server.ts";
import { Client } from "../support/client.ts";
import { signIn } from "../support/inspector-client.ts";

// Other programs rely on these texts and statuses: do not change them.

describe("the demo's server", () => {
  let demo: Demo;

  before(async () => {
    demo = await startDemo({ port: 0 });
  });
  after(() => demo.close());

  describe("/ws/system", () => {
    it("greets its client, and echoes to it alone", async () => {
      const client = await Client.open(`${demo.url}/ws/system`);
      const other = await Client.open(`${demo.url}/ws/system`);
      client.send("hello");
      client.send("");
      expect(await client.take(3)).to.deep.equal([
        "🔧 System: Connection established!",
        "🔧 System Echo: hello",
        "🔧 System Echo: ",
      ]);
      other.send("the end");
      expect(await other.take(2)).to.deep.equal([
        "🔧 System: Connection established!",
        "🔧 System Echo: the end",
      ]);
    });
  });

  describe("/ws/room/:room_name", () => {
    it("sends joins, texts and leaves to all members, including the new one", async () => {
      const ada = await Client.open(`${demo.url}/ws/room/general`);
      expect(await ada.next()).to.equal("🚪 Someone joined room 'general'");
      const ben = await Client.open(`${demo.url}/ws/room/general`);
      expect(await ben.next()).to.equal("🚪 Someone joined room 'general'");
      ada.send("hello");
      expect(await ben.next()).to.equal("💬 hello");
      await ben.close();
      expect(await ada.take(3)).to.deep.equal([
        "🚪 Someone joined room 'general'",
        "💬 hello",
        "👋 Someone left room 'general'",
      ]);
      await ada.close();
    });

    it("isolates rooms, and distinguishes upper and lower case", async () => {
      const rooms = ["one", "two", "One"];
      const clients = await Promise.all(rooms.map((room) => Client.open(`${demo.url}/ws/room/${room}`)));
      for (const [index, client] of clients.entries()) client.send(`from ${rooms[index]}`);
      for (const [index, client] of clients.entries()) {
        expect(await client.take(2)).to.deep.equal([
          `🚪 Someone joined room '${rooms[index]}'`,
          `💬 from ${rooms[index]}`,
        ]);
        await client.close();
      }
    });

    it("accepts valid names of up to 90 characters, decoded", async () => {
      for (const name of ["x".repeat(90), "a-b_c.d", "%61bc"]) {
        const client = await Client.open(`${demo.url}/ws/room/${name}`);
        expect(await client.next()).to.equal(`🚪 Someone joined room '${decodeURIComponent(name)}'`);
        await client.close();
      }
    });

    it("refuses other names with 400 and a reason, by upgrade and by plain GET", async () => {
      for (const name of ["x".repeat(91), "a%20b", "caf%C3%A9", "a%2Fb", "a!b", "%ZZ"]) {
        const { status, body } = await Client.refused(`${demo.url}/ws/room/${name}`);
        expect(status, name).to.equal(400);
        expect(body, name).not.to.equal("");
        const plain = await fetch(`${demo.url}/ws/room/${name}`);
        expect([plain.status, (await plain.text()).trim()], name).to.deep.equal([400, body]);
      }
    });
  });

  describe("the upgrade", () => {
    it("answers 404 for an unknown path, 403 for a foreign origin and for null", async () => {
      expect(await Client.refused(`${demo.url}/ws/unknown`)).to.include({ status: 404 });
      for (const origin of ["http://evil.example", "null"]) {
        expect(await Client.refused(`${demo.url}/ws/system`, { origin })).to.include({ status: 403 });
      }
      const own = await Client.open(`${demo.url}/ws/system`, [], { origin: demo.url });
      expect(await own.next()).to.equal("🔧 System: Connection established!");
    });

    it("closes with 1009 on a frame over 64 KiB", async () => {
      const client = await Client.open(`${demo.url}/ws/system`);
      client.send("x".repeat(65_537));
      expect(await client.closed).to.have.property("code", 1009);
    });
  });

  describe("over plain HTTP", () => {
    it("serves the page with headers that forbid foreign resources", async () => {
      const response = await fetch(demo.url);
      expect(response.status).to.equal(200);
      expect(response.headers.get("content-type")).to.match(/^text\/html/);
      expect(response.headers.get("content-security-policy")).to.contain("default-src 'self'");
      expect(response.headers.get("x-content-type-options")).to.equal("nosniff");
      expect(await response.text()).to.contain("Greenroom");
    });

    it("serves each file of the page with its type, and with 304 to a client that has it", async () => {
      const types = {
        "/index.html": "text/html; charset=utf-8",
        "/style.css": "text/css; charset=utf-8",
        "/main.js": "text/javascript; charset=utf-8",
        "/favicon.svg": "image/svg+xml",
      };
      for (const [path, type] of Object.entries(types)) {
        const response = await fetch(demo.url + path);
        const content = await readFile(new URL(`../../demo/public${path}`, import.meta.url), "utf8");
        expect([response.status, response.headers.get("content-type")]).to.deep.equal([200, type]);
        expect(response.headers.get("cache-control")).to.equal("no-cache");
        expect(await response.text()).to.equal(content);
        const etag = response.headers.get("etag") ?? "";
        expect(etag).to.match(/^"[\w-]{22}"$/);
        for (const known of [etag, `"another", W/${etag}`]) {
          const again = await fetch(demo.url + path, { headers: { "If-None-Match": known } });
          expect([again.status, await again.text()], known).to.deep.equal([304, ""]);
        }
        const changed = await fetch(demo.url + path, { headers: { "If-None-Match": '"another"' } });
        expect([changed.status, await changed.text()]).to.deep.equal([200, content]);
      }
    });

    it("serves the client as one module, and the contract of the room without its schemas", async () => {
      const load = async (path: string) => {
        const response = await fetch(demo.url + path);
        expect(response.headers.get("content-type")).to.equal("text/javascript; charset=utf-8");
        const text = await response.text();
        expect(text.length).to.be.below(16_384);
        return import(`data:text/javascript,${encodeURIComponent(text)}`);
      };
      expect(await load("/greenroom-client.js")).to.include.keys(
        "connect",
        "FrameRefused",
        "MayHaveBeenTaken",
      );
      const contract = (await load("/talk-contract.js")).talk;
      expect(contract.path).to.equal(talk.path);
      for (const side of ["client", "server"] as const)
        expect(contract[side]).to.deep.equal(
          Object.fromEntries(Object.keys(talk[side]).map((name) => [name, {}])),
        );
    });

    it("accepts only GET and HEAD", async () => {
      for (const path of ["/", "/style.css", "/healthz", "/livez", "/readyz"]) {
        for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
          const response = await fetch(demo.url + path, { method });
          expect([response.status, response.headers.get("allow")]).to.deep.equal([405, "GET, HEAD"]);
        }
        const [get, head] = [await fetch(demo.url + path), await fetch(demo.url + path, { method: "HEAD" })];
        expect([head.status, await head.text()]).to.deep.equal([200, ""]);
        expect(head.headers.get("content-type")).to.equal(get.headers.get("content-type"));
        expect(await get.text()).not.to.equal("");
      }
    });

    it("answers 404 for unknown paths, and serves nothing outside of the page's folder", async () => {
      for (const path of ["/nothing.js", "/%2e%2e/server.ts", "/..%2fserver.ts", "/__proto__", "/%"]) {
        expect((await fetch(demo.url + path)).status, path).to.equal(404);
      }
      // `fetch` would remove the dots.
      for (const path of ["/../server.ts", "//etc/passwd", "/public/../../server.ts"]) {
        const request = get({ ...urlToHttpOptions(new URL(demo.url)), path });
        const [response] = await once(request, "response");
        response.resume();
        expect(response.statusCode, path).to.equal(404);
      }
    });

    it("serves the inspector at the address with its random token, and links to it", async () => {
      expect(await (await fetch(demo.url)).text()).to.match(/<a href="inspect"/);
      expect(demo.inspectorUrl).to.match(/^http:\/\/localhost:\d+\/inspect\?token=[\w-]{43}$/);
      expect((await fetch(`${demo.url}/inspect`)).status).to.equal(403);
      expect(await Client.refused(`${demo.url}/inspect`)).to.have.property("status", 403);
      const page = await fetch(`${demo.url}/inspect`, { headers: await signIn(demo.inspectorUrl) });
      expect([page.status, page.headers.get("content-type")]).to.deep.equal([
        200,
        "text/html; charset=utf-8",
      ]);
      await Client.open(demo.inspectorUrl);
    });

    it("serves the inspector to requests with the token that it was started with", async () => {
      const guarded = await startDemo({ port: 0, inspectToken: "open sesame" });
      try {
        for (const query of ["", "?token=", "?token=sesame"]) {
          expect(await Client.refused(`${guarded.url}/inspect${query}`), query).to.have.property(
            "status",
            403,
          );
          expect((await fetch(`${guarded.url}/inspect${query}`)).status, query).to.equal(403);
        }
        expect(guarded.inspectorUrl).to.equal(`${guarded.url}/inspect?token=open+sesame`);
        const headers = await signIn(guarded.inspectorUrl);
        expect((await fetch(`${guarded.url}/inspect`, { headers })).status).to.equal(200);
        await Client.open(`${guarded.url}/inspect?token=open%20sesame`);
      } finally {
        await guarded.close();
      }
    });

    it("describes the frames of its contracts at /asyncapi, as a page and as a document", async () => {
      const page = await fetch(`${demo.url}/asyncapi`);
      expect([page.status, page.headers.get("content-type")]).to.deep.equal([
        200,
        "text/html; charset=utf-8",
      ]);
      expect(await page.text())
        .to.contain("/ws/talk/{room}")
        .and.not.contain("<script");
      const response = await fetch(`${demo.url}/asyncapi.json`);
      const { asyncapi, channels } = (await response.json()) as AsyncApiDocument;
      expect(asyncapi).to.equal("3.1.0");
      expect(Object.values(channels).map(({ address }) => address)).to.deep.equal([
        "/ws/talk/{room}",
        "/ws/lot/{lot}",
      ]);
    });

    it("reports at /healthz and /readyz that it can serve, and the health of its layers", async () => {
      for (const path of ["/healthz", "/readyz"]) {
        const response = await fetch(demo.url + path);
        expect(response.status).to.equal(200);
        const aliases = ["memory", "chat", "queue", "notifications", "analytics", "rooms", "state"];
        const layers = Object.fromEntries(aliases.map((alias) => [alias, { ok: true }]));
        expect(await response.json()).to.deep.equal({ status: "ok", layers });
      }
    });
  });
});
