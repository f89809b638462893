import { createHash } from "node:crypto";
import { expect } from "chai";
import {
  type AnyGuard,
  contractConsumer,
  frames,
  type Guard,
  machineConsumer,
  RouteError,
  WebSocketConsumer,
} from "greenroom";
import {
  type AsyncApiDocument,
  AsyncApiError,
  type AsyncApiMessage,
  type AsyncApiPageOptions,
  asyncApi,
  serveAsyncApi,
} from "greenroom/asyncapi";
import { contract } from "greenroom/contract";
import { inspector } from "greenroom/inspector";
import * as v from "valibot";
import { createMachine } from "xstate";
import { z } from "zod";
import { Client } from "../support/client.ts";
import { InspectorClient, token } from "../support/inspector-client.ts";
import { serve, stopServing } from "../support/serving.ts";

const info = { title: "Chat", version: "1.2.3" };

const echo = contract({
  path: "/ws/echo/:name",
  client: { say: z.object({ text: z.string() }) },
  server: { said: z.object({ text: z.string() }) },
});

class Echo extends contractConsumer(echo) {
  static override readonly frames = frames<Echo>({
    say({ text }) {
      this.send("said", { text });
    },
  });
}

const secret: Guard = ({ query }) =>
  query.has("secret") ? undefined : { status: 403, reason: "For staff only" };

describe("serveAsyncApi", () => {
  afterEach(stopServing);

  async function mount(options: Partial<AsyncApiPageOptions> = {}, guards?: AnyGuard[]) {
    const serving = await serve({ layers: {}, ...(guards && { guards }) });
    serveAsyncApi(serving.runtime, { path: "/asyncapi", ...info, ...options });
    return serving;
  }

  it("serves the document of all routes with a contract, also of later ones", async () => {
    const { runtime, url } = await mount();
    class Plain extends WebSocketConsumer {}
    runtime.route("/plain", Plain);
    const read = async () => {
      const response = await fetch(`${url}/asyncapi.json`);
      expect(response.headers.get("content-type")).to.equal("application/json");
      return response.json();
    };
    expect(await read()).to.deep.equal(asyncApi([], info));
    runtime.route(Echo);
    expect(await read()).to.deep.equal(asyncApi([Echo], info));
    runtime.unroute(echo.path);
    expect(await read()).to.deep.equal(asyncApi([], info));
  });

  it("serves a page that loads nothing, with a policy that allows only its own stylesheet", async () => {
    const { runtime, url } = await mount();
    runtime.route(Echo);
    const response = await fetch(`${url}/asyncapi`);
    expect(response.headers.get("content-type")).to.equal("text/html; charset=utf-8");
    const page = await response.text();
    const [, style = ""] = /<style>(.*?)<\/style>/s.exec(page) ?? [];
    const policy = response.headers.get("content-security-policy");
    expect(policy).to.include("default-src 'none'; style-src 'sha256-");
    expect(policy).to.include(createHash("sha256").update(style).digest("base64"));
    expect(page).to.include("/ws/echo/{name}").and.include('href="asyncapi.json"');
    expect(page).not.to.match(/<script|<img|https?:\/\/|url\(|@import/);
    const links = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id as string);
    expect(links).to.include("ws_echo_name.client.say");
    expect(links.filter((id) => !page.includes(`id="${id}"`))).to.deep.equal([]);
  });

  it("shows texts between backticks as code, and a lone backtick as it is", async () => {
    for (const [description, shown] of [
      ["Frames `<a>` and `b`", "Frames <code>&#60;a&#62;</code> and <code>b</code>"],
      ["5` high", "5` high"],
    ]) {
      const { url } = await mount({ description: description as string });
      expect(await (await fetch(`${url}/asyncapi`)).text()).to.include(`<p dir="auto">${shown}</p>`);
    }
  });

  it("escapes all texts", async () => {
    const { runtime, url } = await mount({ title: "<b>&\"'", description: "<script>" });
    const hostile = "</code><script>alert(1)</script>";
    class Hostile extends contractConsumer(
      contract({
        path: "/hostile",
        client: { say: z.object({ [hostile]: z.literal(hostile).describe(hostile) }).describe(hostile) },
        server: {},
      }),
    ) {
      static override readonly frames = { say() {} };
    }
    runtime.route(Hostile as never);
    const page = await (await fetch(`${url}/asyncapi`)).text();
    expect(page).not.to.include("<script").and.not.include("<b>");
    expect(page).to.include('<h1 dir="auto">&#60;b&#62;&#38;&#34;&#39;');
  });

  it("gives each element an id of its own for any paths and types", async () => {
    const { runtime, url } = await mount();
    for (const path of ["/error", "/content", "/a", "/a-title"]) {
      const client = { say: z.object({}), "say-title": z.object({}) };
      class Named extends contractConsumer(contract({ path, client, server: {} })) {
        static override readonly frames = { say() {}, "say-title"() {} };
      }
      runtime.route(Named);
    }
    const page = await (await fetch(`${url}/asyncapi`)).text();
    const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id as string);
    expect([...new Set(ids)]).to.deep.equal(ids);
    const links = [...page.matchAll(/ href="#([^"]*)"/g)].map(([, id]) => id as string);
    expect(ids).to.include.members(links);
  });

  it("answers GET and HEAD only, and refuses upgrades", async () => {
    const { url } = await mount();
    expect((await fetch(`${url}/asyncapi`, { method: "POST" })).status).to.equal(405);
    const head = await fetch(`${url}/asyncapi.json`, { method: "HEAD" });
    expect([head.status, await head.text()]).to.deep.equal([200, ""]);
    expect((await Client.refused(`${url}/asyncapi`)).status).to.equal(400);
  });

  it("runs the guards of the runtime, and then its own", async () => {
    const user: AnyGuard = ({ query }) =>
      query.has("user") ? { user: "Ada" } : { status: 401, reason: "Sign in" };
    const { url } = await mount({ guards: [secret] }, [user]);
    for (const path of ["/asyncapi", "/asyncapi.json"]) {
      expect((await fetch(`${url}${path}`)).status).to.equal(401);
      expect((await fetch(`${url}${path}?user`)).status).to.equal(403);
      expect((await fetch(`${url}${path}?user&secret`)).status).to.equal(200);
    }
  });

  it("describes a schema without JSON Schema by a note", async () => {
    const { runtime, url, failures } = await mount();
    class Plain extends contractConsumer(
      contract({ path: "/plain", client: { say: v.object({ text: v.string() }) }, server: {} }),
    ) {
      static override readonly frames = { say() {} };
    }
    runtime.route(Plain as never);
    const document = (await (await fetch(`${url}/asyncapi.json`)).json()) as AsyncApiDocument;
    const message = document.channels.plain?.messages["client.say"] as AsyncApiMessage;
    expect(message.payload).to.deep.equal({
      type: "object",
      description: "The schema of this part cannot be written as JSON Schema.",
      properties: { type: { const: "say" } },
      required: ["type"],
    });
    expect(failures).to.deep.equal([]);
  });

  it("answers 500 and reports the error once, if the document cannot be made", async () => {
    const { runtime, url, failures } = await mount();
    const cycle: Record<string, unknown> = {};
    cycle.not = cycle;
    const broken = { "~standard": { ...z.object({})["~standard"], jsonSchema: { input: () => cycle } } };
    class Broken extends contractConsumer(
      contract({ path: "/broken", client: { say: broken as never }, server: {} }),
    ) {
      static override readonly frames = { say() {} };
    }
    runtime.route(Broken as never);
    for (const path of ["/asyncapi", "/asyncapi", "/asyncapi.json"])
      expect((await fetch(`${url}${path}`)).status).to.equal(500);
    expect(failures.map(({ stage }) => stage)).to.deep.equal(["asyncapi"]);
  });

  it("shows the states of a machine", async () => {
    const { runtime, url } = await mount();
    const machine = createMachine({ initial: "on", states: { on: { on: { "frame.say": "off" } }, off: {} } });
    const Lamp = Object.assign(machineConsumer(machine), { contract: echo });
    runtime.route(Lamp as never);
    const document = (await (await fetch(`${url}/asyncapi.json`)).json()) as AsyncApiDocument;
    expect(document.channels.ws_echo_name?.["x-states"]).to.deep.equal({ on: ["say"], off: [] });
    const page = await (await fetch(`${url}/asyncapi`)).text();
    expect(page)
      .to.include('aria-label="States of /ws/echo/{name}"')
      .and.match(/In the states: <code>on<\/code><\/p>/);
  });

  it("refuses paths with parameters, paths of routes, and malformed paths", async () => {
    const { runtime } = await mount({ path: "/docs" });
    const at = (path: string) => () => serveAsyncApi(runtime, { path, ...info });
    class Any extends WebSocketConsumer {}
    runtime.route("/taken.json", Any);
    expect(at("/docs/:page")).to.throw(AsyncApiError, "use a path without parameters");
    expect(at("/docs/")).to.throw(AsyncApiError, "use a path without parameters");
    expect(at("/docs")).to.throw(AsyncApiError, 'which the route "/docs" serves');
    expect(at("/taken")).to.throw(AsyncApiError, 'at "/taken.json"');
    expect(at("docs")).to.throw(RouteError);
  });

  it("is not listed by the inspector", async () => {
    const { runtime, url } = await mount();
    inspector(runtime, { path: "/inspect", token, tickMs: 20 });
    runtime.route(Echo);
    const page = await InspectorClient.open(url);
    const { consumers } = (await page.next("consumers")) as {
      readonly consumers: readonly { name: string }[];
    };
    expect(consumers.map(({ name }) => name)).to.deep.equal(["Echo"]);
  });
});
