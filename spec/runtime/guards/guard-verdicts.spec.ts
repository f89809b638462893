import { parse } from "node:querystring";
import { expect } from "chai";
import { type Guard, InvalidOptionError, type Refusal, WebSocketConsumer } from "greenroom";
import { Client } from "../../support/client.ts";
import { chat, serve, stopServing } from "../../support/serving.ts";

describe("The verdict of a guard", () => {
  afterEach(stopServing);

  class Echo extends WebSocketConsumer {}

  /** The errors after an upgrade and a plain GET, which both have to get 500. */
  async function errorsOf(verdict: unknown): Promise<unknown[]> {
    const guards = [() => verdict, async () => verdict] as Guard[];
    const errors: unknown[] = [];
    for (const guard of guards) {
      const { url, runtime, failures } = await serve({ layers: chat(), guards: [guard] });
      runtime.route("/ws", Echo);
      expect(await Client.refused(`${url}/ws`)).to.deep.equal({ status: 500, body: "Internal error" });
      const plain = await fetch(`${url}/ws`);
      expect([plain.status, await plain.text()]).to.deep.equal([500, "Internal error\n"]);
      expect(failures.map(({ stage }) => stage)).to.deep.equal(["guard", "guard"]);
      errors.push(...failures.map(({ error }) => error));
    }
    return errors;
  }

  it("admits only if it is undefined or has a user: each other value gives 500, and the error says what to return", async () => {
    for (const verdict of [false, true, null, 0, "", "no", {}, [], Symbol("no"), () => {}, parse("a=1")]) {
      for (const error of await errorsOf(verdict)) {
        expect(error)
          .to.be.instanceOf(TypeError)
          .with.property("message")
          .that.matches(/^A guard must return nothing to admit a request, \{ user \} to admit a user, or /);
      }
    }
  });

  // A reason without a text form ended the process.
  it("cannot refuse without a reason that is a text", async () => {
    for (const reason of [undefined, null, 7, {}, Symbol("no"), parse("a=1")]) {
      for (const error of await errorsOf({ status: 403, reason })) {
        expect(error)
          .to.be.instanceOf(InvalidOptionError)
          .with.property("message")
          .that.matches(/^The `reason` of a refusal must be a text, not .*: pass the text for the client\.$/);
      }
    }
  });

  it("cannot refuse with a status that has no text form", async () => {
    for (const error of await errorsOf({ status: parse("a=1"), reason: "No" })) {
      expect(error).to.be.instanceOf(InvalidOptionError);
    }
  });

  it("has the same rules for its reason as reject", async () => {
    class Rejecting extends WebSocketConsumer {
      override connect() {
        const { status, reason } = { status: 403, reason: parse("a=1") } as unknown as Refusal;
        this.reject(status, reason);
      }
    }
    const { url, runtime, failures } = await serve({ layers: chat() });
    runtime.route("/ws", Rejecting);
    expect(await Client.refused(`${url}/ws`)).to.deep.equal({ status: 500, body: "Internal error" });
    expect(failures.map(({ error }) => error)).to.have.length(1);
    expect(failures[0]?.error).to.be.instanceOf(InvalidOptionError);
  });
});
