import { createServer, type IncomingMessage } from "node:http";
import { expect } from "chai";
import session from "express-session";
import { type Middleware, middlewareGuard, WebSocketConsumer } from "greenroom";
import { Client } from "../../support/client.ts";
import { closeServers, listening } from "../../support/servers.ts";
import { chat, serve, stopServing } from "../../support/serving.ts";

declare module "express-session" {
  interface SessionData {
    user: string;
  }
}

describe("middlewareGuard", () => {
  afterEach(() => Promise.all([stopServing(), closeServers()]));

  class Greeter extends WebSocketConsumer<{ user: string }> {
    override connect() {
      this.accept();
      this.send(`Hello, ${this.scope.user}`);
    }
  }

  type Request = IncomingMessage & { readonly session: { readonly user?: string } };

  async function serveWith(...middleware: Middleware[]) {
    const serving = await serve({ layers: chat() });
    const guard = middlewareGuard(middleware, ({ session }: Request) =>
      session?.user ? { user: session.user } : { status: 401, reason: "Sign in first" },
    );
    serving.runtime.route("/ws", Greeter, { guards: [guard] });
    return { ...serving, url: `${serving.url}/ws` };
  }

  /** The middleware of sessions, and the cookie that a server with this middleware has set for Ada. */
  async function sessionOfAda(options: Partial<session.SessionOptions> = {}) {
    const middleware = session({ secret: "old", resave: false, saveUninitialized: false, ...options });
    const signIn = createServer((request, response) => {
      const [asExpress, itsResponse] = [request, response] as unknown as Parameters<typeof middleware>;
      middleware(asExpress, itsResponse, () => {
        asExpress.session.user = "ada";
        response.end();
      });
    });
    const { headers } = await fetch(await listening(signIn));
    const [cookie = ""] = headers.getSetCookie();
    return { middleware, headers: { cookie } };
  }

  it("finds the user in a session of express-session", async () => {
    const { middleware, headers } = await sessionOfAda();
    const { url } = await serveWith(middleware);
    const client = await Client.open(url, [], { headers });
    expect(await client.next()).to.equal("Hello, ada");
  });

  it("refuses a client whose cookie is missing or forged, as its function decides", async () => {
    const { middleware, headers } = await sessionOfAda();
    const { url } = await serveWith(middleware);
    const refusal = { status: 401, body: "Sign in first" };
    expect(await Client.refused(url)).to.deep.equal(refusal);
    const forged = { cookie: headers.cookie.replace("s%3A", "s%3Aa") };
    expect(await Client.refused(url, { headers: forged })).to.deep.equal(refusal);
  });

  it("calls middleware in order, each after the one before has called next", async () => {
    const calls: string[] = [];
    const later: Middleware = (_, __, next) => {
      setImmediate(() => {
        calls.push("first");
        next();
      });
    };
    const { middleware, headers } = await sessionOfAda();
    const { url } = await serveWith(later, middleware, (_, __, next) => {
      calls.push("second");
      next();
    });
    await Client.open(url, [], { headers });
    expect(calls).to.deep.equal(["first", "second"]);
  });

  it("refuses with the answer of middleware: its status, its headers and its body", async () => {
    const { url, failures } = await serveWith((_, response) => {
      response.writeHead(303, { Location: "/sign-in", "Content-Length": 8 });
      response.write("Sign");
      response.end(Buffer.from(" in\n"));
    });
    const response = await fetch(url, { redirect: "manual" });
    expect([response.status, await response.text()]).to.deep.equal([303, "Sign in\n"]);
    expect(response.headers.get("Location")).to.equal("/sign-in");
    expect(failures).to.deep.equal([]);
  });

  // Bytes became "110,195,169", and a character between two chunks became two others.
  it("takes an answer as bytes, in an encoding, in chunks, and with a list of headers", async () => {
    const bytes = Buffer.from("Café");
    const answers: readonly Middleware[] = [
      (_, response) => response.end(new Uint8Array(bytes)),
      (_, response) => response.end(bytes.toString("base64"), "base64"),
      (_, response) => response.write(bytes.subarray(0, 4), () => response.end(bytes.subarray(4))),
    ];
    for (const answer of answers) {
      const { url } = await serveWith((request, response, next) => {
        response.writeHead(401, ["X-One", "1", "X-Two", "2", "X-Two", "3"]);
        return answer(request, response, next);
      });
      const response = await fetch(url);
      const { status, headers } = response;
      const text = (await response.text()).trim();
      expect([status, text, headers.get("X-One"), headers.get("X-Two")]).to.deep.equal([
        401,
        "Café",
        "1",
        "2, 3",
      ]);
    }
  });

  it("adds the cookie to an answer that other middleware sets when the head is written", async () => {
    const { middleware } = await sessionOfAda({ saveUninitialized: true });
    const late: Middleware = (_, response, next) => {
      const { writeHead } = response;
      response.writeHead = (...args: unknown[]) => {
        response.appendHeader("Set-Cookie", "late=1");
        return Reflect.apply(writeHead, response, args);
      };
      next();
    };
    const refusing: Middleware = (_, response) => {
      response.statusCode = 403;
      response.end("No");
    };
    const cookies = async (...some: Middleware[]) => {
      const { url } = await serveWith(...some, refusing);
      const { status, headers } = await fetch(url);
      return [status, headers.getSetCookie().map((cookie) => cookie.replace(/=.*/, ""))];
    };
    expect(await cookies(middleware)).to.deep.equal([403, ["connect.sid"]]);
    expect(await cookies(late)).to.deep.equal([403, ["late"]]);
  });

  it("refuses with an error of middleware that has the status of a refusal, as a call or as a rejection", async () => {
    const error = Object.assign(new Error("The token has expired"), { status: 403 });
    const refusal = { status: 403, body: "The token has expired" };
    const calling = await serveWith((_, __, next) => next(error));
    expect(await Client.refused(calling.url)).to.deep.equal(refusal);
    const likeExpress = Object.assign(new Error(error.message), { statusCode: 403 });
    const other = await serveWith((_, __, next) => next(likeExpress));
    expect(await Client.refused(other.url)).to.deep.equal(refusal);
    const rejecting = await serveWith(() => Promise.reject(error));
    expect(await Client.refused(rejecting.url)).to.deep.equal(refusal);
    expect([calling, other, rejecting].flatMap(({ failures }) => failures)).to.deep.equal([]);
  });

  // The error was lost.
  it("reports a rejection that comes after next, without an effect on the client", async () => {
    // The runtime owns the rejection. The listeners of mocha and of the specs would fail the spec.
    const others = process.listeners("unhandledRejection");
    for (const listener of others) process.off("unhandledRejection", listener);
    const { url, failures } = await serveWith(async (_, __, next) => {
      next();
      throw new Error("late");
    });
    try {
      expect(await Client.refused(url)).to.deep.equal({ status: 401, body: "Sign in first" });
      expect(failures.map(({ error, stage }) => [String(error), stage])).to.deep.equal([
        ["Error: late", "guard"],
      ]);
    } finally {
      for (const listener of others) process.on("unhandledRejection", listener);
    }
  });

  it("answers 500 if middleware fails in another way, and does not admit the client", async () => {
    const { middleware, headers } = await sessionOfAda();
    const failing: Readonly<Record<string, Middleware>> = {
      call: (_, __, next) => next(new Error("no store")),
      status: (_, __, next) => next(Object.assign(new Error("no store"), { status: 503 })),
      throw: () => {
        throw new Error("no store");
      },
      rejection: () => Promise.reject(new Error("no store")),
      // An empty rejection must not count as a call of `next` without an error.
      empty: () => Promise.reject(),
      success: (_, response) => response.end("fine"),
    };
    for (const [name, one] of Object.entries(failing)) {
      const { url, failures } = await serveWith(middleware, one);
      const refused = await Client.refused(url, { headers });
      expect(refused, name).to.deep.equal({ status: 500, body: "Internal error" });
      expect(failures, name).to.have.length(1);
      expect(failures[0]?.stage, name).to.equal("guard");
    }
  });
});
