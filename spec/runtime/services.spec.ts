import { expect } from "chai";
import { createRuntime, machineConsumer, WebSocketConsumer } from "greenroom";
import { communicate, communicateWith } from "greenroom/testing";
import { emit, fromPromise, setup } from "xstate";

interface Services {
  readonly names: Map<string, string>;
}

class Names extends WebSocketConsumer<{ services: Services }> {
  override receive(id: string) {
    this.send(this.services.names.get(id) ?? "unknown");
  }
}

const services: Services = { names: new Map([["1", "Ada"]]) };

describe("Services of a runtime", () => {
  it("reach each consumer of a route", async () => {
    const runtime = createRuntime({ services });
    runtime.route("/ws/names", Names);
    const client = communicateWith(runtime, "/ws/names");
    await client.connect();
    client.send("1");
    expect(await client.receive()).to.equal("Ada");
    await client.disconnect();
    await runtime.close();
  });

  it("reach spawned consumers", async () => {
    const runtime = createRuntime({ services });
    const actor = await runtime.spawn(Names);
    actor.receive("1");
    for await (const frame of actor.outgoing) {
      expect(frame).to.equal("Ada");
      break;
    }
    await runtime.close();
  });

  it("are replaced in a test", async () => {
    const client = communicate(Names, { services: { names: new Map([["1", "Grace"]]) } });
    await client.connect();
    client.send("1");
    expect(await client.receive()).to.equal("Grace");
    await client.disconnect();
  });

  it("are empty if the application has none", async () => {
    class Counting extends WebSocketConsumer {
      override connect() {
        expect(this.services).to.deep.equal({});
      }
    }
    const client = communicate(Counting);
    expect(await client.connect()).to.include({ accepted: true });
    await client.disconnect();
  });

  it("implement the actors of machines, once for each runtime", async () => {
    const machine = setup({
      types: { emitted: {} as { type: "send"; frame: string } },
      actors: { load: fromPromise<string, string>(() => Promise.reject(new Error("not provided"))) },
    }).createMachine({
      id: "loading",
      initial: "loading",
      states: {
        loading: {
          invoke: {
            src: "load",
            input: "1",
            onDone: { actions: emit(({ event }) => ({ type: "send", frame: event.output })) },
          },
        },
      },
    });
    let provided = 0;
    const Loading = machineConsumer(machine, {
      provide: ({ names }: Services) => {
        provided += 1;
        return {
          actors: { load: fromPromise<string, string>(async ({ input }) => names.get(input) ?? "unknown") },
        };
      },
    });
    const runtime = createRuntime({ services });
    for (let connection = 0; connection < 2; connection += 1) {
      const client = communicate(Loading, { runtime });
      await client.connect();
      expect(await client.receive()).to.equal("Ada");
      await client.disconnect();
    }
    expect(provided).to.equal(1);
    await runtime.close();
  });
});
