import { createHmac } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import {
  type AnyGuard,
  type Guard,
  type Renew,
  type Runtime,
  type Scope,
  type Verdict,
  WebSocketConsumer,
} from "greenroom";
import { type ConnectOptions, connect, type RawClient } from "greenroom/client";
import { WebSocket } from "ws";
import { SimulatedClock } from "xstate";
import { wallTimeOf } from "../../layers/clock.ts";
import type { ConsumerClass } from "../../runtime/consumer-settings.ts";
import { until } from "../layers/support/until.ts";
import { Client } from "../support/client.ts";
import { codeBlocks } from "../support/code-blocks.ts";
import { serve, stopServing } from "../support/serving.ts";

/** Loads a module as mocha loads this one, so that both have the same classes of Greenroom. */
const load = createRequire(import.meta.url);

const root = fileURLToPath(new URL("../..", import.meta.url));

interface User {
  readonly id: string;
}

/** The exports of the recipes. */
interface Recipes {
  readonly cookie: {
    cookieFor(user: string, expiresAt: number): string;
    readonly signedInByCookie: Guard<string>;
  };
  readonly jwt: {
    tokenFor(id: string, seconds?: number): Promise<string>;
    readonly signedInByJwt: Guard<User>;
  };
  readonly ticket: {
    ticketFor(user: string, ms?: number): string;
    readonly withTicket: Guard<string>;
    readonly Desk: ConsumerClass;
  };
  readonly "log-out": {
    readonly Chat: ConsumerClass;
    logOutEverywhere(runtime: Pick<Runtime, "disconnect">, id: string): Promise<{ readonly count: number }>;
  };
}

const base64url = (text: string) => Buffer.from(text).toString("base64url");

describe("docs/guides/sign-in-recipes.md", () => {
  let folder: string;
  let clock: SimulatedClock;
  const clients: RawClient[] = [];
  const recipes: Record<string, unknown> = {};
  const recipe = <N extends keyof Recipes>(name: N): Recipes[N] => recipes[name] as Recipes[N];

  before(async () => {
    // Within the project, so that packages resolve.
    folder = await mkdtemp(join(root, ".tmp-recipes-"));
    const page = await readFile(join(root, "docs/guides/sign-in-recipes.md"), "utf8");
    const files = codeBlocks(page).flatMap(({ file, code }) => (file === undefined ? [] : [{ file, code }]));
    for (const { file, code } of files) await writeFile(join(folder, file), code);
    for (const name of ["cookie", "jwt", "ticket", "log-out"])
      recipes[name] = load(join(folder, `${name}.ts`));
  });
  after(() => rm(folder, { recursive: true }));
  beforeEach(() => {
    clock = new SimulatedClock();
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await stopServing();
  });

  /** Answers with the user, and accepts the subprotocol `chat`. */
  class Whoami extends WebSocketConsumer {
    override connect() {
      if (this.scope.subprotocols.includes("chat")) return this.accept({ subprotocol: "chat" });
      return undefined;
    }
    override receive() {
      const { user } = this.scope;
      this.send(typeof user === "string" ? user : (user as User).id);
    }
  }

  async function start(guard: AnyGuard, Consumer: ConsumerClass = Whoami) {
    const { runtime, url, ...rest } = await serve({ layers: {}, clock, guards: [guard] });
    runtime.route("/ws", Consumer as never);
    return { ...rest, runtime, url: `${url}/ws` };
  }

  async function joined(url: string, options: Partial<ConnectOptions> = {}) {
    const client: RawClient = connect({ url, WebSocket, ...options });
    clients.push(client);
    const texts: string[] = [];
    client.on("text", (text) => texts.push(text));
    await until(() => client.status.state === "joined" || client.status.state === "closed");
    return { client, texts };
  }

  /** The status of a client that is refused. */
  async function refusal(url: string, token: string) {
    const { client } = await joined(url, { token });
    return client.status;
  }

  const closed = (status: number, reason: string) => ({
    state: "closed",
    code: 3_000 + status,
    reason,
    status,
  });

  describe("a signed cookie", () => {
    const cookieOf = (header: string) => /^session=([^;]*)/.exec(header)?.[1] ?? "";
    const withCookie = (cookie: string) => ({ headers: { cookie } });

    it("admits its user until its end", async () => {
      const { cookieFor, signedInByCookie } = recipe("cookie");
      const { url } = await start(signedInByCookie);
      const cookie = `a=b; session=${cookieOf(cookieFor("ada", wallTimeOf(clock) + 60_000))}; c=d`;
      const client = await Client.open(url, [], withCookie(cookie));
      client.send("?");
      expect(await client.next()).to.equal("ada");
      clock.increment(60_000);
      expect(await client.closed).to.deep.equal({ code: 3401, reason: "The sign-in has expired" });
      expect(await Client.refused(url, withCookie(cookie))).to.deep.equal({
        status: 401,
        body: "The sign-in has expired",
      });
    });

    it("is refused if it is missing, forged or changed", async () => {
      const { cookieFor, signedInByCookie } = recipe("cookie");
      const { url, failures } = await start(signedInByCookie);
      const [content = "", signature = ""] = cookieOf(cookieFor("ada", Date.now() + 60_000)).split(".");
      const forged = base64url(JSON.stringify({ user: "root", expiresAt: Date.now() + 1e9 }));
      const wrong = createHmac("sha256", "").update(forged).digest("base64url");
      for (const cookie of [
        "",
        "session=",
        "session=.",
        `session=${content}`,
        `session=${content}.`,
        `session=.${signature}`,
        `session=${forged}.${signature}`,
        `session=${forged}.${wrong}`,
        `session=${content}.${signature.slice(1)}`,
        `other-session=${content}.${signature}`,
      ]) {
        const refused = await Client.refused(url, withCookie(cookie));
        expect(refused, cookie).to.deep.equal({ status: 401, body: "Sign in first" });
      }
      expect(failures).to.deep.equal([]);
    });
  });

  describe("a JWT", () => {
    it("admits its user, and is renewed over the open connection", async () => {
      const { tokenFor, signedInByJwt } = recipe("jwt");
      let renewals = 0;
      const counting = <V extends Verdict<User>>(verdict: V): V => {
        if (verdict === undefined || !("renew" in verdict) || verdict.renew === undefined) return verdict;
        const { renew } = verdict;
        const counted: Renew<User> = async (token, scope) => {
          const next = await renew(token, scope);
          renewals += 1;
          return counting(next);
        };
        return { ...verdict, renew: counted };
      };
      const guard: Guard<User> = async (...args) => counting(await signedInByJwt(...args));
      const { url, runtime } = await start(guard);
      let calls = 0;
      const token = () => {
        calls += 1;
        return tokenFor("ada", calls * 600);
      };
      const { client, texts } = await joined(url, { token });
      for (const count of [1, 2]) {
        clock.increment(590_000);
        // The server may ask twice, and the client may be slow to make a token.
        await until(() => renewals >= count);
        await client.send("?");
      }
      clock.increment(500_000);
      await client.send("?");
      expect(texts).to.deep.equal(["ada", "ada", "ada"]);
      expect(runtime.counters()).to.include({ resumed: 0, expired: 0, refused: 0 });
    });

    it("ends with the last token", async () => {
      const { tokenFor, signedInByJwt } = recipe("jwt");
      const { url } = await start(signedInByJwt);
      const { client } = await joined(url, { token: await tokenFor("ada", 600) });
      clock.increment(600_000);
      await until(() => client.status.state === "closed");
      expect(client.status).to.deep.equal(closed(401, "The sign-in has expired"));
    });

    it("is refused if it is missing, forged, expired, for another audience, or without a signature", async () => {
      const { tokenFor, signedInByJwt } = recipe("jwt");
      const { url, failures } = await start(signedInByJwt);
      const { SignJWT, UnsecuredJWT } = await import("jose");
      const otherKey = new SignJWT({ logOuts: 0 })
        .setProtectedHeader({ alg: "HS256" })
        .setSubject("ada")
        .setAudience("chat")
        .setExpirationTime("1h")
        .sign(new Uint8Array(32));
      const unsigned = new UnsecuredJWT({ logOuts: 0 }).setSubject("ada").setAudience("chat").encode();
      const [header, , signature] = (await tokenFor("ada")).split(".");
      const changed = [header, base64url('{"sub":"root","aud":"chat","exp":9e9,"logOuts":0}'), signature];
      const tokens = ["", "x", await otherKey, unsigned, changed.join("."), await tokenFor("ada", -1)];
      for (const token of tokens) {
        expect(await refusal(url, token)).to.deep.equal(closed(401, "Sign in first"));
      }
      expect(failures).to.deep.equal([]);
    });

    it("of another user ends the connection", async () => {
      const { tokenFor, signedInByJwt } = recipe("jwt");
      const { url } = await start(signedInByJwt);
      let id = "ada";
      const { client } = await joined(url, { token: () => tokenFor(id) });
      id = "bob";
      clock.increment(590_000);
      await until(() => client.status.state === "closed");
      expect(client.status).to.deep.equal(closed(403, "The token belongs to another user"));
    });

    it("admits a plain WebSocket that offers it as a subprotocol", async () => {
      const { tokenFor, signedInByJwt } = recipe("jwt");
      const { url } = await start(signedInByJwt);
      const protocols = ["chat", `greenroom.token.${base64url(await tokenFor("ada"))}`];
      const client = await Client.open(url, protocols);
      client.send("?");
      expect(await client.next()).to.equal("ada");
      expect(client.websocket.protocol).to.equal("chat");
      clock.increment(600_000);
      expect(await client.closed).to.include({ code: 3401 });
    });
  });

  describe("a one-time ticket", () => {
    it("admits its user once, also if a page asks with a plain GET before", async () => {
      const { ticketFor, withTicket, Desk } = recipe("ticket");
      const { url } = await start(withTicket, Desk);
      const token = ticketFor("ada");
      const headers = { "Sec-WebSocket-Protocol": `greenroom.token.${base64url(token)}` };
      expect((await fetch(url, { headers })).status).to.equal(426);
      const { client, texts } = await joined(url, { token });
      await client.send("hello");
      expect(texts).to.deep.equal(["ada: hello"]);
      expect(await refusal(url, token)).to.deep.equal(closed(401, "The ticket is not valid"));
    });

    it("admits one of two clients that use it at the same time", async () => {
      const { ticketFor, withTicket, Desk } = recipe("ticket");
      const waiting: (() => void)[] = [];
      // Both requests pass the guard before `connect` runs for one of them.
      const slow: Guard<string> = async (scope, request) => {
        const verdict = await withTicket(scope, request);
        await new Promise<void>((resolve) => waiting.push(resolve));
        return verdict;
      };
      const { url } = await start(slow, Desk);
      const token = ticketFor("ada");
      const both = [joined(url, { token }), joined(url, { token })];
      await until(() => waiting.length === 2);
      for (const go of waiting) go();
      const states = (await Promise.all(both)).map(({ client }) => client.status.state);
      expect(states.sort()).to.deep.equal(["closed", "joined"]);
    });

    it("is refused if it is missing, guessed or expired", async () => {
      const { ticketFor, withTicket, Desk } = recipe("ticket");
      const { url } = await start(withTicket, Desk);
      const expired = ticketFor("ada", 1);
      const guess = { token: expired } as Scope;
      await until(() => Object.hasOwn(Object(withTicket(guess, {} as IncomingMessage)), "status"));
      for (const token of ["", "00000000-0000-0000-0000-000000000000", expired]) {
        expect(await refusal(url, token)).to.deep.equal(closed(401, "The ticket is not valid"));
      }
    });

    it("is needed again for each socket of a session, and used up by it", async () => {
      const { ticketFor, withTicket, Desk } = recipe("ticket");
      const { url, server } = await start(withTicket, Desk);
      const sockets = new Set<{ destroy(): void }>();
      server.on("connection", (socket) => sockets.add(socket));
      const tokens: string[] = [];
      const token = () => {
        tokens.push(ticketFor("ada"));
        return tokens.at(-1) as string;
      };
      const { client, texts } = await joined(url, { token });
      const statuses: string[] = [];
      client.onStatus(({ state }) => statuses.push(state));
      for (const socket of sockets) socket.destroy();
      await until(() => statuses.includes("joined"));
      await client.send("hello");
      expect(texts).to.deep.equal(["ada: hello"]);
      expect(tokens).to.have.length(2);
      for (const used of tokens) {
        expect(await refusal(url, used)).to.deep.equal(closed(401, "The ticket is not valid"));
      }
    });
  });

  describe("log out everywhere", () => {
    it("closes the connections of the user, and revokes the tokens, but not those of others", async () => {
      const { tokenFor, signedInByJwt } = recipe("jwt");
      const { Chat, logOutEverywhere } = recipe("log-out");
      const { url, runtime } = await start(signedInByJwt, Chat);
      const token = await tokenFor("ada");
      const ada = [await joined(url, { token }), await joined(url, { token })];
      const bob = await joined(url, { token: await tokenFor("bob") });
      expect(await logOutEverywhere(runtime, "ada")).to.include({ count: 2 });
      for (const { client } of ada) {
        await until(() => client.status.state === "closed");
        expect(client.status).to.include({ code: 4001, reason: "Signed out" });
      }
      expect(await refusal(url, token)).to.deep.equal(closed(401, "Signed out"));
      await bob.client.send("hello");
      expect(bob.texts).to.deep.equal(["bob: hello"]);
      const again = await joined(url, { token: await tokenFor("ada") });
      await again.client.send("hello");
      expect(again.texts).to.deep.equal(["ada: hello"]);
    });
  });
});
