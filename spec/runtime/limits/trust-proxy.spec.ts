import { expect } from "chai";
import { InvalidOptionError, type TrustProxy, WebSocketConsumer } from "greenroom";
import { readTrustProxy } from "../../../demo/environment.ts";
import { Client } from "../../support/client.ts";
import { serve, stopServing } from "../../support/serving.ts";

/** Tells its client the parts of its scope that a proxy determines. */
class Mirror extends WebSocketConsumer {
  override receive() {
    const { clientAddress, forwarded } = this.scope;
    this.send(JSON.stringify({ clientAddress, forwarded }));
  }
}

describe("trustProxy", () => {
  afterEach(stopServing);

  async function start(trustProxy: TrustProxy) {
    const { runtime, url } = await serve({ layers: {}, trustProxy });
    runtime.route("/ws", Mirror);
    return `${url}/ws`;
  }

  const headers = {
    "X-Forwarded-For": "6.6.6.6, 192.0.2.7",
    "X-Forwarded-Proto": "wss",
    "X-Forwarded-Host": "chat.example",
  };

  it("decides whether the headers of a request are believed", async () => {
    for (const [trustProxy, seen] of [
      ["loopback", { clientAddress: "192.0.2.7", forwarded: { protocol: "https", host: "chat.example" } }],
      [false, { clientAddress: "127.0.0.1" }],
      ["10.0.0.0/8", { clientAddress: "127.0.0.1" }],
    ] as const) {
      const client = await Client.open(await start(trustProxy), [], { headers });
      client.send("?");
      expect(JSON.parse(String(await client.next()))).to.deep.equal(seen);
      await client.close();
    }
  });

  it("decides which origin is the server's own, for upgrades and for plain requests", async () => {
    /** The statuses of an upgrade and of a plain request, and whether the page of `origin` may read the answer. */
    const ask = async (url: string, origin: string) => {
      const all = { ...headers, Origin: origin };
      const plain = await fetch(url, { headers: all });
      const client = new Client(url, [], { headers: all });
      const isOpen = await new Promise<boolean>((resolve) => {
        client.websocket.on("open", () => resolve(true)).on("error", () => resolve(false));
      });
      client.websocket.terminate();
      return [isOpen, plain.status, plain.headers.get("access-control-allow-origin") === origin];
    };
    const trusting = await start("loopback");
    expect(await ask(trusting, "https://chat.example")).to.deep.equal([true, 426, true]);
    for (const origin of ["http://chat.example", new URL(trusting).origin, "https://evil.example"])
      expect(await ask(trusting, origin), origin).to.deep.equal([false, 403, false]);
    const wary = await start(false);
    expect(await ask(wary, "https://chat.example")).to.deep.equal([false, 403, false]);
    expect(await ask(wary, new URL(wary).origin)).to.deep.equal([true, 426, true]);
  });

  it("refuses a wrong value when the runtime is created", async () => {
    await start("nginx").then(
      () => expect.fail("was accepted"),
      (error) => expect(error).to.be.instanceOf(InvalidOptionError),
    );
  });

  it("of the demo is a number or a list, from the environment", () => {
    expect(["2", "loopback, 10.0.0.0/8", "", undefined].map((value) => readTrustProxy(value))).to.deep.equal([
      2,
      "loopback, 10.0.0.0/8",
      false,
      false,
    ]);
  });
});
