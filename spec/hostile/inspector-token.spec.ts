import { get } from "node:http";
import { expect } from "chai";
import { type Guard, WebSocketConsumer } from "greenroom";
import { type InspectorOptions, inspector } from "greenroom/inspector";
import { Client } from "../support/client.ts";
import { signIn } from "../support/inspector-client.ts";
import { type ReverseProxy, startReverseProxy } from "../support/reverse-proxy.ts";
import { serve, stopServing } from "../support/serving.ts";

class Echo extends WebSocketConsumer {
  override receive(text: string) {
    this.send(text);
  }
}

type Headers = Readonly<Record<string, string>>;

/** The status of a plain GET. Unlike `fetch`, can set `Host` and `Cookie`. */
function statusOf(url: string, headers: Headers = {}): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(url, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on("error", reject);
  });
}

describe("The inspector, without guards,", () => {
  const proxies: ReverseProxy[] = [];
  afterEach(async () => {
    for (const proxy of proxies.splice(0)) await proxy.close();
    await stopServing();
  });

  /** Starts a server with an inspector, and a proxy in front of it. The token is random by default. */
  async function mount(options: Partial<InspectorOptions> = {}, guards?: readonly Guard[]) {
    const serving = await serve({ layers: {}, ...(guards && { guards }) });
    serving.runtime.route("/echo", Echo);
    const address = inspector(serving.runtime, { path: "/inspect", payloads: true, ...options });
    const proxy = await startReverseProxy(serving.url);
    proxies.push(proxy);
    return { ...serving, address, proxy };
  }

  /** Checks that requests with `query` and `headers` for the page, its socket and its files are refused. */
  async function expectRefused(url: string, query = "", headers: Headers = {}): Promise<void> {
    const what = `${query} ${JSON.stringify(headers)}`;
    expect(await statusOf(`${url}/inspect${query}`, headers), `page ${what}`).to.equal(403);
    expect(await statusOf(`${url}/inspect/main.js${query}`, headers), `file ${what}`).to.equal(403);
    const upgrade = await Client.refused(`${url}/inspect${query}`, { headers });
    expect(upgrade.status, `socket ${what}`).to.equal(403);
    expect(upgrade.body).to.include("Paste its address, which ends with ?token=…");
  }

  async function expectAdmitted(url: string, headers: Headers): Promise<void> {
    expect(await statusOf(`${url}/inspect`, headers)).to.equal(200);
    expect(await statusOf(`${url}/inspect/main.js`, headers)).to.equal(200);
    const client = await Client.open(`${url}/inspect`, [], { headers });
    expect(JSON.parse(String(await client.next()))).to.include({ type: "hello", payloads: true });
    await client.close();
  }

  for (const environment of ["development", "production"]) {
    it(`refuses requests through a proxy that adds no headers, in ${environment}`, async () => {
      const before = process.env.NODE_ENV;
      process.env.NODE_ENV = environment;
      try {
        const { url, proxy } = await mount();
        for (const each of [proxy.url, url, url.replace("127.0.0.1", "localhost")]) await expectRefused(each);
      } finally {
        if (before === undefined) delete process.env.NODE_ENV;
        else process.env.NODE_ENV = before;
      }
    });
  }

  it("opens at the address with the token, and then with the cookie", async () => {
    const { url, proxy, address } = await mount();
    expect(address).to.match(/^\/inspect\?token=[\w-]{43}$/);
    for (const each of [url, proxy.url]) {
      const response = await fetch(`${each}${address}&as=Ada`, { redirect: "manual" });
      expect([response.status, response.headers.get("location")]).to.deep.equal([303, "inspect?as=Ada"]);
      expect(response.headers.get("referrer-policy")).to.equal("no-referrer");
      expect(response.headers.get("cache-control")).to.equal("no-store");
      const { port } = new URL(url);
      expect(response.headers.get("set-cookie")).to.match(
        new RegExp(`^greenroom-inspector-${port}=[\\w-]{43}; Path=/inspect; HttpOnly; SameSite=Strict$`),
      );
      await expectAdmitted(each, await signIn(`${each}${address}`));
    }
    const cookie = await signIn(`${url}${address}`);
    expect(cookie.Cookie).not.to.include(address.split("=")[1]);
    // A client that is not a browser needs no cookie.
    await (await Client.open(`${url}${address}`)).close();
    // A bookmark may contain the token of an earlier process.
    expect(await statusOf(`${url}/inspect?token=old`, cookie)).to.equal(303);
  });

  it("refuses wrong tokens and cookies, without an actor, and serves a bystander", async () => {
    const { url, proxy, runtime, address } = await mount();
    const bystander = await Client.open(`${url}/echo`);
    const token = address.split("=")[1] ?? "";
    const { Cookie: cookie } = await signIn(`${url}${address}`);
    const [name = "", value = ""] = cookie.split("=");
    const before = runtime.counters().refused;
    const wrong: readonly [query: string, headers?: Headers][] = [
      ["?token="],
      ["?token"],
      ["?token=wrong"],
      [`?token=${token.slice(0, -1)}`],
      [`?token=${token}x`],
      [`?Token=${token}`],
      [`?token=wrong&token=${token}`],
      [`?token=${"x".repeat(8_000)}`],
      [`?token=${value}`],
      ["", { Cookie: `${name}=` }],
      ["", { Cookie: `${name}=${token}` }],
      ["", { Cookie: `${name}=${value.slice(0, -1)}` }],
      ["", { Cookie: `${name}=${value}=` }],
      ["", { Cookie: `${name}1=${value}` }],
      ["", { Cookie: `other=1;${name}` }],
      ["", { Cookie: `${name}=wrong; `.repeat(250) }],
      ["", { Authorization: `Bearer ${token}` }],
      ["", { "X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1" }],
    ];
    for (const [query, headers] of wrong) {
      await expectRefused(url, query, headers);
      await expectRefused(proxy.url, query, headers);
      bystander.send(query);
      expect(await bystander.next()).to.equal(query);
    }
    expect(runtime.size).to.equal(1);
    expect(runtime.counters().refused - before).to.equal(2 * wrong.length);
    await expectAdmitted(url, { Cookie: `${name}=wrong; other=1; ${cookie}` });
  });

  it("refuses pages of other sites that have the cookie, and names that an attacker points to the server", async () => {
    const { url, address } = await mount({ origins: ["https://ops.example"] }, []);
    const cookie = await signIn(`${url}${address}`);
    const open = (Origin: string) => Client.open(`${url}/inspect`, [], { headers: { ...cookie, Origin } });
    const foreign = { headers: { ...cookie, Origin: "https://evil.example" } };
    expect(await Client.refused(`${url}/inspect`, foreign)).to.deep.equal({
      status: 403,
      body: "Pages of this origin are not allowed",
    });
    await (await open("https://ops.example")).close();
    await (await open(url)).close();
    const { port } = new URL(url);
    await expectRefused(url, "", { Host: `evil.example:${port}`, Origin: `http://evil.example:${port}` });
  });

  it("gives two processes on one host different cookies, and its token opens only its own process", async () => {
    const [one, other] = [await mount(), await mount()];
    const [first, second] = [await signIn(one.url + one.address), await signIn(other.url + other.address)];
    const both = { Cookie: `${first.Cookie}; ${second.Cookie}` };
    await expectAdmitted(one.url, both);
    await expectAdmitted(other.url, both);
    await expectRefused(other.url, "", first);
    await expectRefused(other.url, one.address.replace("/inspect", ""));
  });

  it("opens with one fixed token and one cookie in all processes behind a balancer", async () => {
    const token = "1 token; for=all/ü";
    const [one, other] = [await mount({ token }), await mount({ token })];
    expect(one.address).to.equal(other.address);
    // The balancer passes the `Host` of the browser on.
    const Host = "ops.example:8443";
    const response = await new Promise<string[] | undefined>((resolve) => {
      get(`${one.url}${one.address}`, { headers: { Host } }, ({ headers, socket }) => {
        socket.destroy();
        resolve(headers["set-cookie"]);
      });
    });
    const Cookie = response?.[0]?.split(";")[0] ?? "";
    expect(Cookie).to.match(/^greenroom-inspector-8443=[\w-]{43}$/);
    await expectAdmitted(one.url, { Host, Cookie });
    await expectAdmitted(other.url, { Host, Cookie });
  });

  it("marks the cookie as secure if the browser uses TLS", async () => {
    const { url, address } = await mount();
    const cookieFor = async (proto: string) => {
      const headers = { "X-Forwarded-Proto": proto };
      return (await fetch(`${url}${address}`, { headers, redirect: "manual" })).headers.get("set-cookie");
    };
    expect(await cookieFor("https")).to.match(/; Secure$/);
    expect(await cookieFor("https, http")).to.match(/; Secure$/);
    expect(await cookieFor("http")).not.to.include("Secure");
  });

  it("needs no token if it has guards, and needs both if it has guards and a token", async () => {
    const onlyAda: Guard = ({ query }) =>
      query.get("as") === "Ada" ? undefined : { status: 403, reason: "For Ada" };
    const guarded = await mount({ guards: [onlyAda] });
    expect(guarded.address).to.equal("/inspect");
    expect(await statusOf(`${guarded.url}/inspect?as=Ada`)).to.equal(200);
    expect(await statusOf(`${guarded.url}/inspect?as=Bob`)).to.equal(403);
    expect(await statusOf(`${guarded.url}/inspect/main.js`)).to.equal(200);
    const both = await mount({ guards: [onlyAda], token: "for Ada" });
    const cookie = await signIn(`${both.url}${both.address}&as=Ada`);
    expect(await statusOf(`${both.url}/inspect?as=Ada`)).to.equal(403);
    expect(await statusOf(`${both.url}/inspect?as=Bob`, cookie)).to.equal(403);
    expect(await statusOf(`${both.url}/inspect?as=Ada`, cookie)).to.equal(200);
    const open = await mount({ guards: [] });
    await expectRefused(open.url);
  });
});
