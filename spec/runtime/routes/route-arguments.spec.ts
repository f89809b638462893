import { expect } from "chai";
import { contractConsumer, createRuntime, RouteError, type Runtime, WebSocketConsumer } from "greenroom";
import { contract } from "greenroom/contract";
import { communicateWith } from "greenroom/testing";

class Plain extends WebSocketConsumer {}
class Contracted extends contractConsumer(contract({ path: "/ws/contract", client: {}, server: {} })) {
  static override readonly frames = {};
}

describe("The arguments of route", () => {
  let runtime: Runtime;
  beforeEach(() => {
    runtime = createRuntime();
  });
  afterEach(() => runtime.close());

  const connects = async (path: string) => (await communicateWith(runtime, path).connect()).accepted;

  it("begin with a pattern for a consumer without a contract", async () => {
    runtime.route("/ws/plain", Plain);
    expect(await connects("/ws/plain")).to.equal(true);
    runtime.route("/ws/plain", Plain, { replace: true, guards: [() => ({ status: 403, reason: "Closed" })] });
    expect(await connects("/ws/plain")).to.equal(false);
  });

  it("have no pattern for a consumer with a contract", async () => {
    runtime.route(Contracted);
    expect(await connects("/ws/contract")).to.equal(true);
    runtime.route(Contracted, { replace: true, guards: [() => ({ status: 403, reason: "Closed" })] });
    expect(await connects("/ws/contract")).to.equal(false);
  });

  it("are refused if the pattern is missing, or if there are two", () => {
    expect(() => runtime.route(Plain as never)).to.throw(
      RouteError,
      'Plain has no contract, so its route needs a path: route("/ws/…", Plain).',
    );
    expect(() => runtime.route("/ws/other", Contracted as never)).to.throw(
      RouteError,
      "The path of Contracted comes from its contract: call route(Contracted) without a path.",
    );
  });

  it("are refused without a class", () => {
    expect(() => runtime.route("/ws/plain", undefined as never)).to.throw(
      TypeError,
      "A consumer must be a class",
    );
    expect(() => runtime.route({} as never)).to.throw(TypeError, "A consumer must be a class");
  });
});
