import { expect } from "chai";
import { createRuntime, type Guard, JsonWebSocketConsumer, type Scope, WebSocketConsumer } from "greenroom";
import { communicate, communicateWith } from "greenroom/testing";
import { parseCookies } from "../../../runtime/upgrade/cookies.ts";
import { Client } from "../../support/client.ts";
import { chat, serve, stopServing } from "../../support/serving.ts";

/** The cookies as an ordinary object. */
const read = (header: string) => ({ ...parseCookies(header) });

describe("parseCookies", () => {
  it("returns each value by its name, decoded", () => {
    expect(read("session=abc; name=J%C3%BCrgen%20K; empty=; spaced = x ;a=b=c")).to.deep.equal({
      session: "abc",
      name: "Jürgen K",
      empty: "",
      spaced: "x",
      a: "b=c",
    });
    expect(parseCookies(undefined)).to.deep.equal({});
    expect(read("")).to.deep.equal({});
  });

  it("keeps the first of several cookies with one name", () => {
    expect(read("id=1; other=x; id=2; id=")).to.deep.equal({ id: "1", other: "x" });
  });

  it("keeps a value with a malformed escape, and leaves out a part without a name or a value", () => {
    expect(read("a=%; b=%ZZ; c=%E4; nothing; ; d=100%25")).to.deep.equal({
      a: "%",
      b: "%ZZ",
      c: "%E4",
      d: "100%",
    });
  });

  it("sets no prototype, and inherits nothing", () => {
    const cookies = parseCookies("__proto__=x; constructor=y");
    expect(Object.keys(cookies)).to.have.members(["__proto__", "constructor"]);
    expect(cookies.toString).to.equal(undefined);
    expect(parseCookies("a=b").constructor).to.equal(undefined);
    expect(parseCookies(undefined).constructor).to.equal(undefined);
    expect(({} as Record<string, unknown>).x).to.equal(undefined);
  });

  it("freezes the cookies", () => {
    expect(parseCookies("a=b")).to.satisfy(Object.isFrozen);
    expect(parseCookies(undefined)).to.satisfy(Object.isFrozen);
  });

  it("never throws, for any bytes that Node accepts in a header", () => {
    const letters = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join("");
    for (const header of [
      letters,
      letters.repeat(100),
      "=".repeat(20_000),
      ";".repeat(20_000),
      "%".repeat(99),
    ]) {
      expect(() => parseCookies(header)).not.to.throw();
    }
  });

  it("reads the first 256 cookies, and the whole cookies in the first 16,384 characters", () => {
    const many = Array.from({ length: 300 }, (_, index) => `c${index}=${index}`);
    expect(Object.keys(read(many.join("; "))).at(-1)).to.equal("c255");
    const fits = `a=${"x".repeat(16_382)}`;
    expect(read(`${fits}; b=1`).a).to.have.length(16_382);
    expect(read(`${fits}; b=1`)).to.have.all.keys("a");
    expect(read(`first=1; ${fits}`)).to.deep.equal({ first: "1" });
  });
});

describe("The cookies of a scope", () => {
  const signedIn: Guard<string> = ({ cookies }) =>
    cookies.session === "s1" ? { user: "ada" } : { status: 401, reason: "Sign in" };

  class Shown extends JsonWebSocketConsumer<{ user: string }> {
    static override readonly layer = "chat";
    override async connect() {
      await this.accept();
      this.sendJson({ ...this.scope.cookies, user: this.scope.user });
    }
  }

  afterEach(stopServing);

  it("are those of the request, for guards and consumers", async () => {
    const { runtime, url } = await serve({ layers: chat(), guards: [signedIn] });
    runtime.route("/ws/shown", Shown);
    const refused = await Client.refused(`${url}/ws/shown`, { headers: { Cookie: "session=%; session=s1" } });
    expect(refused.status).to.equal(401);
    const client = await Client.open(`${url}/ws/shown`, [], {
      headers: { Cookie: "session=s1; theme=d%61rk" },
    });
    expect(JSON.parse(String(await client.next()))).to.deep.equal({
      session: "s1",
      theme: "dark",
      user: "ada",
    });
    await client.close();
  });

  it("come from `cookies` and `headers` of a test client", async () => {
    const given = { headers: { cookie: "session=s1; a=1" }, cookies: { a: "2", name: "Jürgen; K" } };
    await using client = communicate(Shown, { guards: [signedIn], ...given });
    expect(await client.connect()).to.include({ accepted: true });
    const seen = { session: "s1", a: "1", name: "Jürgen; K", user: "ada" };
    expect(await client.receiveJson()).to.deep.equal(seen);

    await using runtime = createRuntime({ layers: chat(), guards: [signedIn] });
    runtime.route("/ws/shown", Shown);
    const routed = communicateWith(runtime, "/ws/shown", { cookies: { session: "s1" } });
    expect(await routed.connect()).to.include({ accepted: true });
    expect(await routed.receiveJson()).to.deep.equal({ session: "s1", user: "ada" });
  });

  it("are empty without the header, and for a spawned actor", async () => {
    const scopes: Scope[] = [];
    class Kept extends WebSocketConsumer {
      override connect() {
        scopes.push(this.scope);
      }
    }
    await using client = communicate(Kept);
    await client.connect();
    await using runtime = createRuntime();
    await runtime.spawn(Kept);
    expect(scopes.map(({ cookies }) => cookies)).to.deep.equal([{}, {}]);
  });
});
