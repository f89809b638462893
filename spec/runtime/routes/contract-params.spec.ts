import { expect } from "chai";
import { contractConsumer, createRuntime, type Guard, InvalidOptionError } from "greenroom";
import { contract, type Schema } from "greenroom/contract";
import { communicate, communicateWith } from "greenroom/testing";
import { z } from "zod";
import { checkParams } from "../../../runtime/routes/contract-params.ts";

interface User {
  readonly name: string;
}
const number = z.string().regex(/^\d+$/, "It must be a number").transform(Number);

class Room extends contractConsumer(
  contract({
    path: "/room/:number",
    params: z.object({ number }),
    client: {},
    server: { hello: z.unknown() },
  }),
)<{ user: User }> {
  override async connect() {
    await this.accept();
    const { params, user } = this.scope;
    this.send("hello", { next: params.number + 1, name: user.name });
  }
}
class Plain extends contractConsumer(
  contract({ path: "/plain/:a/:b", client: {}, server: { hello: z.unknown() } }),
) {
  override async connect() {
    await this.accept();
    this.send("hello", { ...this.scope.params });
  }
}
const hello = (fields: object) => ({ type: "hello", ...fields });
const ada: Guard<User> = () => ({ user: { name: "Ada" } });

describe("The parameters of a contract", () => {
  const errors: { readonly error: string; readonly stage: string }[] = [];
  const start = () => {
    errors.length = 0;
    const runtime = createRuntime({
      layers: {},
      guards: [ada],
      onError: (error, { stage }) => errors.push({ error: String(error), stage }),
    });
    runtime.route(Room);
    runtime.route(Plain);
    return runtime;
  };
  let runtime: ReturnType<typeof start>;
  beforeEach(() => {
    runtime = start();
  });
  afterEach(() => runtime.close());
  const answer = (path: string) => communicateWith(runtime, path).connect();

  it("reach the consumer as the schema gives them", async () => {
    const client = communicateWith(runtime, "/room/41");
    expect(await client.connect()).to.include({ accepted: true });
    expect(await client.receiveJson()).to.deep.equal(hello({ next: 42, name: "Ada" }));
  });

  it("are decoded texts without a schema", async () => {
    const client = communicateWith(runtime, "/plain/%C3%A4%2F/constructor");
    await client.connect();
    expect(await client.receiveJson()).to.deep.equal(hello({ a: "ä/", b: "constructor" }));
  });

  it("are refused with 400 and the reason", async () => {
    expect(await answer("/room/x")).to.include({
      status: 400,
      reason: 'The path parameter "number" is not accepted. It must be a number',
    });
    expect(await answer("/room/%0d%0ax")).to.include({ status: 400 });
    expect(runtime.counters().refused).to.equal(2);
    expect(errors).to.deep.equal([]);
  });

  /** Routes a consumer whose schema of parameters does what `validate` does. */
  const routeWith = (validate: (value: unknown) => unknown) => {
    const params = { "~standard": { version: 1, vendor: "spec", validate } } as unknown as z.ZodType<{
      a: string;
    }>;
    class Checked extends contractConsumer(
      contract({ path: "/checked/:a", params, client: {}, server: {} }),
    ) {}
    runtime.route(Checked);
  };

  it("are answered with 500 if the schema throws or gives garbage, and the error is reported", async () => {
    for (const [validate, error] of [
      [() => expect.fail("A bug"), "AssertionError: A bug"],
      [() => "garbage", "TypeError: A schema must return a value or a list of issues, not garbage."],
    ] as const) {
      routeWith(validate);
      expect(await answer("/checked/x")).to.include({ status: 500, reason: "Internal error" });
      expect(errors.splice(0)).to.deep.equal([{ error, stage: "params" }]);
      runtime.unroute("/checked/:a");
    }
  });

  it("are answered with 500 if the schema is asynchronous, and the error says what to do", async () => {
    for (const promise of [() => Promise.resolve({ value: {} }), () => Promise.reject(new Error("Late"))]) {
      routeWith(promise);
      expect(await answer("/checked/x")).to.include({ status: 500 });
      expect(errors.splice(0)).to.deep.equal([
        {
          error:
            'TypeError: The schema of the parameters of "/checked/:a" is asynchronous: check them in a guard instead.',
          stage: "params",
        },
      ]);
      runtime.unroute("/checked/:a");
    }
  });

  it("are refused with a reason of limited length, also without a path", () => {
    const params = {
      "~standard": {
        version: 1,
        vendor: "spec",
        validate: () => ({ issues: [{ message: "m".repeat(9_000) }] }),
      },
    } as unknown as Schema;
    const checked = checkParams(contract({ path: "/a", params, client: {}, server: {} }), {});
    expect(checked)
      .to.have.property("refusal")
      .which.matches(/^The path parameters are not accepted\. m+…$/);
    expect((checked as { refusal: string }).refusal).to.have.length.below(300);
  });

  it("are checked by spawn, which takes a user, too", async () => {
    const actor = await runtime.spawn(Room, { params: { number: "7" }, user: { name: "Bob" } });
    const { value } = await actor.outgoing.next();
    expect(JSON.parse(String(value))).to.deep.equal(hello({ next: 8, name: "Bob" }));
    const wrong = await runtime
      .spawn(Room, { params: { number: "x" }, user: { name: "Bob" } })
      .catch((error: unknown) => error);
    expect(wrong).to.be.instanceOf(InvalidOptionError);
    expect(String(wrong)).to.include(
      'Room cannot start with these `params`. The path parameter "number" is not accepted. It must be a number',
    );
    expect(runtime.size).to.equal(1);
  });

  it("are checked by communicate, which takes a user, too", async () => {
    const client = communicate(Room, { params: { number: "7" }, user: { name: "Bob" } });
    await client.connect();
    expect(await client.receiveJson()).to.deep.equal(hello({ next: 8, name: "Bob" }));
    await client.disconnect();
    expect(() => communicate(Room, { params: { number: "x" }, user: { name: "Bob" }, runtime })).to.throw(
      InvalidOptionError,
      "Room cannot start with these `params`",
    );
  });

  it("are missing if untyped code passes none", async () => {
    const spawn = runtime.spawn.bind(runtime) as unknown as (Consumer: typeof Room) => Promise<unknown>;
    const error = await spawn(Room).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(InvalidOptionError);
  });
});
