import { once } from "node:events";
import { createServer } from "node:http";
import { expect } from "chai";
import {
  type AcceptOptions,
  type ConsumerClass,
  createRuntime,
  type Guard,
  groupName,
  InvalidOptionError,
  originGuard,
  type Refusal,
  type ResponseHeaders,
  WebSocketConsumer,
} from "greenroom";
import { communicate, communicateWith } from "greenroom/testing";
import { until } from "../../layers/support/until.ts";
import { Client } from "../../support/client.ts";
import { gate } from "../../support/gate.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { plainRequest, RawClient } from "../../support/raw-client.ts";
import { chat, serve, stopServing } from "../../support/serving.ts";
import { CountedTimers } from "../support/counted-timers.ts";

describe("The headers of an answer", () => {
  afterEach(stopServing);

  class Echo extends WebSocketConsumer {}

  const serveAt = async (Consumer: ConsumerClass, ...guards: Guard[]) => {
    const serving = await serve({ layers: chat(), guards });
    serving.runtime.route("/ws", Consumer as typeof Echo);
    return { ...serving, url: `${serving.url}/ws` };
  };

  /** The answer that refuses an upgrade. */
  async function refused(url: string): Promise<{ status: number; headers: Record<string, unknown> }> {
    const { websocket } = new Client(url);
    const [, response] = await once(websocket, "unexpected-response");
    response.resume();
    return { status: response.statusCode, headers: response.headers };
  }

  const rejecting = (status: number, headers: ResponseHeaders) =>
    class extends WebSocketConsumer {
      override connect() {
        this.reject(status, "No", { headers });
      }
    };

  const retry = { "Retry-After": 5, "WWW-Authenticate": ["Basic", "Bearer"], "Set-Cookie": ["a=1", "b=2"] };
  const carried = { "retry-after": "5", "www-authenticate": "Basic, Bearer", "set-cookie": ["a=1", "b=2"] };

  describe("that accepts an upgrade", () => {
    const accepted = async (headers: ResponseHeaders) => {
      class Accepting extends WebSocketConsumer {
        override connect() {
          return this.accept({ headers });
        }
      }
      const { url } = await serveAt(Accepting);
      const client = new Client(url);
      const [[response]] = await Promise.all([
        once(client.websocket, "upgrade"),
        once(client.websocket, "open"),
      ]);
      return response.headers;
    };

    it("carry several cookies, from an array or from two spellings of the name", async () => {
      const first = "session=a; Expires=Wed, 09 Jun 2027 10:18:14 GMT; HttpOnly";
      const cookies = { "set-cookie": [first, "csrf=b"] };
      expect(await accepted({ "Set-Cookie": [first, "csrf=b"] })).to.deep.include(cookies);
      expect(await accepted({ "Set-Cookie": first, "set-cookie": "csrf=b" })).to.deep.include(cookies);
      expect(await accepted({ "Set-Cookie": [], "X-Seat": 7 })).to.include({ "x-seat": "7" });
    });
  });

  describe("that refuses", () => {
    it("an upgrade carry the headers of a guard, and so does the answer to a plain GET", async () => {
      const { url } = await serveAt(Echo, () => ({ status: 401, reason: "Sign in", headers: retry }));
      const upgrade = await refused(url);
      expect(upgrade.status).to.equal(401);
      expect(upgrade.headers).to.deep.include(carried);
      const plain = await fetch(url);
      expect([plain.status, await plain.text()]).to.deep.equal([401, "Sign in\n"]);
      expect(plain.headers.getSetCookie()).to.deep.equal(["a=1", "b=2"]);
      expect(plain.headers.get("retry-after")).to.equal("5");
      expect(plain.headers.get("www-authenticate")).to.equal("Basic, Bearer");
    });

    it("an upgrade carry the headers that a consumer passes to reject", async () => {
      const { url, failures } = await serveAt(rejecting(429, retry));
      const { status, headers } = await refused(url);
      expect(status).to.equal(429);
      expect(headers).to.deep.include(carried);
      expect(failures).to.deep.equal([]);
    });

    it("replace the default headers, in any spelling, and those that other code has set", async () => {
      const json = {
        "content-type": "application/problem+json",
        "CACHE-CONTROL": "no-cache",
        "X-Own": "mine",
      };
      const server = createServer((request, response) => {
        response
          .setHeader("X-Own", "theirs")
          .setHeader("Vary", "Cookie")
          .setHeader("Content-Type", "text/html");
        serving.runtime.handleRequest(request, response);
      });
      const guards: Guard[] = [() => ({ status: 402, reason: "{}", headers: json })];
      const serving = await serve({ layers: chat(), guards }, server);
      serving.runtime.route("/ws", Echo);
      const url = `${serving.url}/ws`;
      const plain = await fetch(url);
      expect(Object.fromEntries(plain.headers)).to.include({
        "content-type": "application/problem+json",
        "cache-control": "no-cache",
        "x-own": "mine",
        vary: "Cookie, Origin",
      });
      expect((await refused(url)).headers).to.include({ "content-type": "application/problem+json" });
    });

    it("do not contain headers of middleware that describe another body", async () => {
      const server = createServer((request, response) => {
        response
          .setHeader("Content-Length", 3)
          .setHeader("Content-Encoding", "gzip")
          .setHeader("Transfer-Encoding", "chunked")
          .setHeader("Connection", "close");
        serving.runtime.handleRequest(request, response);
      });
      const guards: Guard[] = [() => ({ status: 402, reason: "Pay first: 5 €" })];
      const serving = await serve({ layers: chat(), guards }, server);
      serving.runtime.route("/ws", Echo);
      for (const method of ["GET", "HEAD"]) {
        const plain = await fetch(`${serving.url}/ws`, { method });
        expect(await plain.text()).to.equal(method === "GET" ? "Pay first: 5 €\n" : "");
        const headers = Object.fromEntries(plain.headers);
        expect(headers).to.include({ "content-length": "17", connection: "close" });
        expect(headers).not.to.have.any.keys("content-encoding", "transfer-encoding");
      }
    });

    it("an upgrade may redirect the client, with a Location only", async () => {
      for (const status of [301, 302, 303, 307, 308]) {
        const { url } = await serveAt(rejecting(status, { location: "/other" }));
        const { status: answered, headers } = await refused(url);
        expect([answered, headers.location]).to.deep.equal([status, "/other"]);
      }
      const { url, failures } = await serveAt(rejecting(302, {}));
      expect(await refused(url)).to.include({ status: 500 });
      expect(String(failures[0]?.error)).to.contain(
        "A refusal with the status 302 needs a header `Location`",
      );
      for (const status of [304, 200, 399, 600]) {
        const other = await serveAt(rejecting(status, { Location: "/other" }));
        expect(await refused(other.url)).to.include({ status: 500 });
      }
    });
  });

  describe("cannot be sent", () => {
    const wrong: [ResponseHeaders, string][] = [
      ...["Connection", "content-length", "Transfer-Encoding", "UPGRADE", "Trailer", "Keep-Alive"].map(
        (name): [ResponseHeaders, string] => [
          { [name]: "1" },
          `The server itself sets the header "${name}": leave it out.`,
        ],
      ),
      [{ "X-A": "1\r\nX-B: 2" }, 'HTTP cannot carry the value of the header "X-A": it may hold printable'],
      [{ "X-A": ["1", "2\n"] }, 'HTTP cannot carry the value of the header "X-A"'],
      [{ "X-A": "café" }, "Encode other characters, for example with encodeURIComponent()."],
      [{ "X A": "1" }, 'HTTP cannot carry a header with the name "X A"'],
      [{ "": "1" }, 'HTTP cannot carry a header with the name ""'],
      [{ "X-A": undefined as never }, 'The header "X-A" must be a text, a number or an array of texts'],
      [{ "X-A": Number.NaN }, 'The header "X-A" must be a text, a number or an array of texts, not NaN'],
      [{ "X-A": [["1"]] as never }, 'The header "X-A" must be a text, a number or an array of texts'],
      [{ "X-A": { a: 1 } as never }, 'The header "X-A" must be a text, a number or an array of texts'],
      [{ "X-A": Object.create(null) }, 'The header "X-A" must be a text, a number or an array of texts'],
      ...[new Headers({ a: "b" }), new Map([["a", "b"]]), [["a", "b"]], "a: b", null, 7].map(
        (headers): [ResponseHeaders, string] => [
          headers as never,
          `\`headers\` must be a plain object, not ${Object.prototype.toString.call(headers)}: write `,
        ],
      ),
    ];

    it("by reject or a guard, if they would break the answer: the client gets 500, and onError the reason", async () => {
      for (const [headers, message] of wrong) {
        for (const served of [
          await serveAt(rejecting(403, headers)),
          await serveAt(Echo, () => ({ status: 403, reason: "No", headers })),
        ]) {
          expect(await Client.refused(served.url)).to.deep.equal({ status: 500, body: "Internal error" });
          expect(served.failures.map(({ error }) => error)).to.have.length(1);
          expect(served.failures[0]?.error).to.be.instanceOf(InvalidOptionError);
          expect(String(served.failures[0]?.error)).to.contain(message);
        }
      }
    });

    it("by accept, if they would break the handshake", async () => {
      const handshake: [ResponseHeaders, string] = [
        { "Sec-WebSocket-Accept": "mine" },
        'The server itself sets the header "Sec-WebSocket-Accept": leave it out.',
      ];
      for (const [headers, message] of [...wrong, handshake]) {
        const options: AcceptOptions = { headers };
        class Accepting extends WebSocketConsumer {
          override connect() {
            return this.accept(options);
          }
        }
        const { url, failures } = await serveAt(Accepting);
        expect(await Client.refused(url)).to.deep.equal({ status: 500, body: "Internal error" });
        expect(failures[0]?.error).to.have.property("code", "ERR_ACCEPT");
        expect(String(failures[0]?.error)).to.contain(message);
      }
    });
  });

  it("are part of the answer that a communicator gets, if there are any", async () => {
    await using busy = communicate(rejecting(429, { "Retry-After": 5 }));
    const answer = { accepted: false, status: 429, reason: "No", headers: { "Retry-After": 5 } };
    expect(await busy.connect()).to.deep.equal(answer);
    await using full = communicate(rejecting(429, {}));
    const plain = { accepted: false, status: 429, reason: "No" };
    expect(await full.connect()).to.deep.equal(plain);
    await using runtime = createRuntime({ guards: [() => ({ status: 429, reason: "No", headers: retry })] });
    runtime.route("/ws", Echo);
    expect(await communicateWith(runtime, "/ws").connect()).to.deep.equal({ ...plain, headers: retry });
  });
});

describe("A plain request for a path with a route", () => {
  afterEach(stopServing);

  const friend = "https://friend.example";
  let connected = 0;
  class Counting extends WebSocketConsumer {
    override connect() {
      connected += 1;
      this.reject(409, "Full");
    }
  }
  const busy: Refusal = { status: 429, reason: "Busy", headers: { "Retry-After": 5, "X-Limit": 10 } };
  const answering: Guard = ({ query, headers }) => {
    if (query.has("busy")) return busy;
    if (query.has("broken")) throw new Error("broken");
    if (headers.cookie === undefined && query.has("private")) return { status: 401, reason: "Sign in" };
    return undefined;
  };

  const serveRoom = async (guards: Guard[] = [originGuard({ allow: [friend] }), answering]) => {
    const serving = await serve({ layers: chat(), guards });
    serving.runtime.route("/ws/:room", Counting, { params: { room: groupName } });
    return serving;
  };

  const corsOf = (response: Response) =>
    Object.fromEntries([...response.headers].filter(([name]) => name.startsWith("access-control-")));

  const readable = {
    "access-control-allow-origin": friend,
    "access-control-allow-credentials": "true",
    "access-control-expose-headers": "Retry-After",
  };

  it("is answered like the upgrade, and a page of an origin that is let in may read each answer", async () => {
    const { url } = await serveRoom();
    for (const [path, status, reason] of [
      ["/ws/a?busy", 429, "Busy"],
      ["/ws/a?private", 401, "Sign in"],
      ["/ws/a?broken", 500, "Internal error"],
      ["/ws/a%20b", 400, 'The path parameter "room" is not accepted.'],
      ["/ws/%ZZ", 400, "The path has a malformed escape sequence"],
    ] as const) {
      const upgrade = await Client.refused(`${url}${path}`, { headers: { Origin: friend } });
      const plain = await fetch(`${url}${path}`, { headers: { Origin: friend } });
      expect(upgrade, path).to.deep.equal({ status, body: (await plain.text()).trim() });
      expect(upgrade.body).to.contain(reason);
      expect(plain.status, path).to.equal(status);
      expect(corsOf(plain), path).to.include({ ...readable, ...exposed(path) });
      expect(plain.headers.get("vary"), path).to.equal("Origin");
      expect(plain.headers.get("cache-control"), path).to.equal("no-store");
    }
  });

  const exposed = (path: string) =>
    path.includes("busy") && { "access-control-expose-headers": "Retry-After, X-Limit" };

  it("gets 426 without a call of connect if the upgrade reaches the consumer", async () => {
    connected = 0;
    const { url, runtime } = await serveRoom();
    const plain = await fetch(`${url}/ws/a`, { headers: { Origin: friend } });
    expect([plain.status, connected, runtime.size]).to.deep.equal([426, 0, 0]);
    expect(corsOf(plain)).to.deep.equal(readable);
    expect(await Client.refused(`${url}/ws/a`, { headers: { Origin: friend } })).to.include({ status: 409 });
    expect(connected).to.equal(1);
  });

  it("cannot be read by a page that the origin guard refuses, or without an origin guard", async () => {
    const { url } = await serveRoom();
    for (const origin of ["https://evil.example", "null", `${friend}.evil.example`]) {
      const plain = await fetch(`${url}/ws/a?busy`, { headers: { Origin: origin } });
      expect([plain.status, corsOf(plain), plain.headers.get("vary")]).to.deep.equal([403, {}, "Origin"]);
    }
    const direct = await fetch(`${url}/ws/a?busy`);
    expect([direct.status, corsOf(direct), direct.headers.get("vary")]).to.deep.equal([429, {}, "Origin"]);
    const unguarded = await serveRoom([answering]);
    const plain = await fetch(`${unguarded.url}/ws/a?busy`, { headers: { Origin: friend } });
    expect([plain.status, corsOf(plain)]).to.deep.equal([429, {}]);
  });

  it("can be read only if the origin guards of the runtime and of the route all let the page in", async () => {
    const other = "https://other.example";
    const { url, runtime } = await serveRoom([originGuard({ allow: [friend, other] }), answering]);
    runtime.route("/inner", Counting, { guards: [originGuard({ allow: [friend] })] });
    const get = async (origin: string) => {
      const plain = await fetch(`${url}/inner?busy`, { headers: { Origin: origin } });
      return `${plain.status} ${plain.headers.get("access-control-allow-origin")}`;
    };
    expect(await get(friend)).to.equal(`429 ${friend}`);
    expect(await get(other)).to.equal("429 null");
    const late = await serveRoom([answering, originGuard({ allow: [friend] })]);
    const plain = await fetch(`${late.url}/ws/a?busy`, { headers: { Origin: friend } });
    expect(corsOf(plain)).to.include({ "access-control-allow-origin": friend });
  });

  it("can be read while the runtime closes", async () => {
    const { url, runtime } = await serveRoom();
    const ending = gate();
    class Long extends WebSocketConsumer {
      override disconnect() {
        return ending.opened;
      }
    }
    runtime.route("/long", Long);
    await Client.open(`${url}/long`);
    const closing = runtime.close({ drainMs: 60_000 });
    const plain = await fetch(`${url}/ws/a`, { headers: { Origin: friend } });
    expect([plain.status, corsOf(plain)]).to.deep.equal([503, readable]);
    ending.open();
    await closing;
  });

  it("may have headers of the page's own: the preflight is answered, and runs no guard", async () => {
    let asked = 0;
    const { url } = await serveRoom([originGuard({ allow: [friend] }), () => void asked++, answering]);
    const preflight = (origin: string) =>
      fetch(`${url}/ws/a?private`, {
        method: "OPTIONS",
        headers: {
          Origin: origin,
          "Access-Control-Request-Method": "GET",
          "Access-Control-Request-Headers": "authorization,x-trace",
        },
      });
    const allowed = await preflight(friend);
    expect([allowed.status, await allowed.text()]).to.deep.equal([204, ""]);
    expect(corsOf(allowed)).to.deep.equal({
      ...readable,
      "access-control-allow-methods": "GET, HEAD",
      "access-control-allow-headers": "authorization,x-trace",
    });
    expect(allowed.headers.get("vary")).to.equal("Origin, Access-Control-Request-Headers");
    const foreign = await preflight("https://evil.example");
    expect([foreign.status, corsOf(foreign), asked]).to.deep.equal([403, {}, 0]);
  });

  for (const end of [false, true]) {
    it(`does not touch a preflight that another listener has ${end ? "answered" : "begun to answer"}`, async () => {
      const server = createServer((request, response) => {
        response.writeHead(200);
        if (end) response.end("theirs");
        serving.runtime.handleRequest(request, response);
        if (!end) response.end("theirs");
      });
      const serving = await serve({ layers: chat() }, server);
      serving.runtime.route("/ws", Counting);
      const headers = { Origin: serving.url, "Access-Control-Request-Method": "GET" };
      const answer = await fetch(`${serving.url}/ws`, { method: "OPTIONS", headers });
      expect([answer.status, await answer.text()]).to.deep.equal([200, "theirs"]);
    });
  }

  it("is refused if its guard takes longer than connectTimeoutMs, and its later verdict is ignored", async () => {
    const guarding = gate();
    const clock = new CountedTimers();
    const options = { layers: chat(), connectTimeoutMs: 20_000, guards: [() => guarding.opened], clock };
    const { runtime, url, failures } = await serve(options);
    runtime.route("/ws", Counting);
    const answering = fetch(`${url}/ws`);
    // The timer is set once the guard was asked.
    await until(() => clock.waits(20_000));
    clock.increment(20_000);
    const answer = await answering;
    expect([answer.status, await answer.text()]).to.deep.equal([503, "Connecting took too long\n"]);
    guarding.open();
    await nextTurn();
    expect((await fetch(`${url}/ws`)).status).to.equal(426);
    expect(failures).to.deep.equal([]);
  });

  it("is refused at once when the runtime closes while its guard is pending", async () => {
    const asked = gate();
    const guard = () => {
      asked.open();
      return gate().opened;
    };
    const { runtime, url } = await serve({ layers: chat(), guards: [guard] });
    runtime.route("/ws", Counting);
    const answer = fetch(`${url}/ws`);
    await asked.opened;
    await runtime.close();
    const refused = await answer;
    expect([refused.status, await refused.text()]).to.deep.equal([503, "The server is shutting down\n"]);
  });

  it("runs one guard at a time for a connection, and refuses the requests that the client pipelines", async () => {
    const [asked, guarding] = [gate(), gate()];
    let calls = 0;
    const guard = () => {
      calls++;
      asked.open();
      return guarding.opened;
    };
    const { runtime, url } = await serve({ layers: chat(), guards: [guard] });
    runtime.route("/ws", Counting);
    const client = await RawClient.open(url, plainRequest("/ws").repeat(3));
    await asked.opened;
    await nextTurn();
    expect(calls).to.equal(1);
    guarding.open();
    const received = await client.until(/checked\n.*checked\n/s);
    expect(received.match(/(?<=HTTP\/1.1 )\d+/g)).to.deep.equal(["426", "503", "503"]);
    expect(received).to.contain("An earlier request of this connection is still being checked\n");
    await client.send(plainRequest("/ws"));
    await client.until(/ 426 .* 426 /s);
    expect(calls).to.equal(2);
    client.socket.destroy();
  });

  it("is not answered twice if another listener answers while a guard is pending", async () => {
    const server = createServer((request, response) => {
      serving.runtime.handleRequest(request, response);
      response.end("theirs");
    });
    const pending = gate();
    const guard = async () => {
      await pending.opened;
      return busy;
    };
    const serving = await serve({ layers: chat(), guards: [guard] }, server);
    serving.runtime.route("/ws", Counting);
    expect(await (await fetch(`${serving.url}/ws`)).text()).to.equal("theirs");
    pending.open();
    await nextTurn();
    expect(serving.failures).to.deep.equal([]);
  });
});
