import { expect } from "chai";
import { contractConsumer, createRuntime, frames, OutgoingFrameError } from "greenroom";
import { contract } from "greenroom/contract";
import { communicateWith } from "greenroom/testing";
import { z } from "zod";

const clock = contract({
  path: "/clock",
  client: { ask: { payload: z.object({}), reply: z.number() } },
  server: { tick: z.number() },
});

/** Deviates from the contract, as untyped code can. */
class Clock extends contractConsumer(clock) {
  static override readonly frames = frames<Clock>({
    ask() {
      this.send("tick", "noon" as never);
      return "late" as never;
    },
  });
}

describe("The option `validateOutgoing`", () => {
  const { NODE_ENV } = process.env;
  afterEach(() => {
    if (NODE_ENV === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = NODE_ENV;
  });

  for (const [environment, count] of [
    [undefined, 2],
    ["test", 2],
    ["development", 2],
    ["production", 0],
  ] as const) {
    it(`reports ${count} deviations by default if NODE_ENV is ${environment}`, async () => {
      if (environment === undefined) delete process.env.NODE_ENV;
      else process.env.NODE_ENV = environment;
      const errors: unknown[] = [];
      await using runtime = createRuntime({
        onError: (error) => {
          if (error instanceof OutgoingFrameError) errors.push(error);
        },
      });
      runtime.route(Clock);
      const client = communicateWith(runtime, "/clock");
      await client.connect();
      client.send('{"type":"ask","id":1}');
      expect(await client.receive()).to.equal('{"type":"tick","value":"noon"}');
      expect(await client.receive()).to.equal('{"type":"greenroom.reply","id":1,"value":"late"}');
      expect(errors).to.have.length(count);
    });
  }
});
