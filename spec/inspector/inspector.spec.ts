import { expect } from "chai";
import { type AnyGuard, createRuntime, InvalidOptionError, WebSocketConsumer } from "greenroom";
import { InspectorError, type InspectorOptions, inspector } from "greenroom/inspector";
import { Failures } from "../../inspector/activity/failures.ts";
import { readControl } from "../../protocol/control-frames.ts";
import { sessionProtocol } from "../../protocol/subprotocols.ts";
import { Client } from "../support/client.ts";
import { replaceMethod } from "../support/inspector-runtime.ts";
import { isByMachine, serve, stopServing, unlessByMachine } from "../support/serving.ts";

class Anything extends WebSocketConsumer {}

describe("inspector", () => {
  afterEach(stopServing);

  async function mount(options: Partial<InspectorOptions> = {}, guards?: AnyGuard[]) {
    const serving = await serve({ layers: {}, ...(guards && { guards }) });
    inspector(serving.runtime, { path: "/inspect", guards: [() => {}], ...options });
    return serving;
  }

  describe("page", () => {
    it("is served with a policy that allows only its own files, and so is each file", async () => {
      const { url } = await mount({ path: "/admin/look" });
      const response = await fetch(`${url}/admin/look`);
      expect(response.status).to.equal(200);
      expect(response.headers.get("content-type")).to.equal("text/html; charset=utf-8");
      expect(response.headers.get("content-security-policy")).to.include(
        "default-src 'none'; script-src 'self'",
      );
      expect(response.headers.get("x-content-type-options")).to.equal("nosniff");
      const page = await response.text();
      const linked = [...page.matchAll(/(?:src|href)="(look\/[^"]+)"/g)].map(([, file]) => file as string);
      expect(linked).to.include("look/styles/style.css").and.include("look/main.js");
      for (const file of linked) {
        const answer = await fetch(new URL(file, response.url));
        expect(answer.status, file).to.equal(200);
        expect(answer.headers.get("content-type"), file).to.match(
          /^(text\/(css|javascript)|image\/svg\+xml)/,
        );
        await answer.text();
      }
    });

    it("gets the client, and a connection without a session", async () => {
      const { url } = await mount();
      const script = await (await fetch(`${url}/inspect/client.js`)).text();
      const { connect } = await import(`data:text/javascript,${encodeURIComponent(script)}`);
      expect(connect).to.be.a("function");
      const client = await Client.open(`${url}/inspect`, [sessionProtocol]);
      const hello = readControl(String(await client.next()));
      expect(hello).to.include({ c: "hello" }).and.not.have.property("session");
    });

    it("answers only GET and HEAD, and 404 for unknown paths below it", async () => {
      const { url } = await mount();
      expect((await fetch(`${url}/inspect`, { method: "POST" })).status).to.equal(405);
      const head = await fetch(`${url}/inspect`, { method: "HEAD" });
      expect([head.status, await head.text()]).to.deep.equal([200, ""]);
      for (const path of [
        "/inspect/protocol.ts",
        "/inspect/index.html",
        "/inspect/%2e%2e/inspector.ts",
        "/inspect/",
      ]) {
        expect((await fetch(`${url}${path}`)).status, path).to.equal(404);
      }
    });

    it("is served through handleRequest", async () => {
      const { runtime, server, url } = await mount();
      server.removeAllListeners("request");
      server.on("request", (request, response) => {
        if (!runtime.handleRequest(request, response)) response.writeHead(418).end();
      });
      expect((await fetch(`${url}/inspect`)).status).to.equal(200);
      expect((await fetch(`${url}/inspect/main.js`)).status).to.equal(200);
      expect((await fetch(`${url}/elsewhere`)).status).to.equal(418);
    });
  });

  describe("guards", () => {
    it("run for the page and for its socket, those of the runtime first", async () => {
      const { url, runtime } = await mount(
        { guards: [({ user }) => (user === "Ada" ? undefined : { status: 403, reason: "For Ada" })] },
        [({ query }) => ({ user: query.get("as") })],
      );
      runtime.route("/ws", Anything);
      expect((await fetch(`${url}/inspect?as=Bob`)).status).to.equal(403);
      expect(await Client.refused(`${url}/inspect?as=Bob`)).to.deep.equal({ status: 403, body: "For Ada" });
      expect((await fetch(`${url}/inspect?as=Ada`)).status).to.equal(200);
      await Client.open(`${url}/inspect?as=Ada`);
      await Client.open(`${url}/ws?as=Bob`);
    });

    it("run after the check of the origin, which refuses pages of other sites whatever the guards accept", async () => {
      const { url } = await mount({ guards: [() => {}], origins: ["https://ops.example"] }, []);
      const refused = await Client.refused(`${url}/inspect`, { headers: { Origin: "https://evil.example" } });
      expect(refused.status).to.equal(403);
      const own = await mount({ guards: [() => {}] }, []);
      const options = { headers: { Origin: "https://evil.example" } };
      expect((await Client.refused(`${own.url}/inspect`, options)).status).to.equal(403);
      await Client.open(`${url}/inspect`, [], { headers: { Origin: "https://ops.example" } });
      await Client.open(`${own.url}/inspect`, [], { headers: { Origin: own.url } });
    });
  });

  describe("mounting", () => {
    it("fails a second time, with an invalid tickMs or token, and at a path that is taken, has a parameter or is malformed", async () => {
      await using runtime = createRuntime();
      runtime.route("/taken", Anything);
      expect(() => inspector(runtime, { path: "/taken" })).to.throw(
        InspectorError,
        'The inspector cannot be mounted at "/taken", which the route "/taken" serves: choose another path.',
      );
      runtime.route("/other/:name", Anything);
      expect(() => inspector(runtime, { path: "/other/a" })).to.throw(InspectorError, '"/other/:name"');
      for (const path of ["/:name", "/", "/inspect/", "/in;spect"]) {
        expect(() => inspector(runtime, { path }), path).to.throw(InspectorError, "cannot be mounted at");
      }
      expect(() => inspector(runtime, { path: "inspect" })).to.throw("is not a pattern");
      for (const token of ["", 42 as unknown as string]) {
        const mounting = () => inspector(runtime, { path: "/inspect", token });
        expect(mounting, `${token}`).to.throw(InspectorError, "`token` is empty or not a string");
      }
      for (const tickMs of [0, Number.NaN, 5_001]) {
        expect(() => inspector(runtime, { path: "/inspect", tickMs }), `${tickMs}`).to.throw(
          InvalidOptionError,
          "tickMs",
        );
      }
      inspector(runtime, { path: "/inspect" });
      expect(() => inspector(runtime, { path: "/again" })).to.throw(
        InspectorError,
        "already has an inspector: mount it once, where the runtime is created.",
      );
    });

    it("does not happen by itself: a runtime without an inspector has no listener for failures", async () => {
      class Fails extends WebSocketConsumer {
        static override readonly supervision = { onFailure: "resume" } as const;
        override receive() {
          throw new Error("as it was told");
        }
      }
      const failures: unknown[] = [];
      await using runtime = createRuntime({ onError: unlessByMachine((error) => failures.push(error)) });
      let heard = 0;
      const { add } = Failures.prototype;
      using _ = replaceMethod(Failures.prototype, "add", function (this: Failures, ...failure) {
        if (!isByMachine(failure[0])) heard += 1;
        return add.apply(this, failure);
      });
      const actor = await runtime.spawn(Fails);
      actor.receive("now");
      while (failures.length < 1) await new Promise(setImmediate);
      expect(heard).to.equal(0);
      inspector(runtime, { path: "/inspect" });
      actor.receive("again");
      while (failures.length < 2) await new Promise(setImmediate);
      expect(heard).to.equal(1);
    });
  });
});
