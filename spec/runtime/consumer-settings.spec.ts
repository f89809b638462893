import { expect } from "chai";
import { InvalidOptionError, machineConsumer, WebSocketConsumer } from "greenroom";
import { createMachine } from "xstate";
import { ConsumerSettingsReader } from "../../runtime/consumer-settings.ts";
import { Counters } from "../../runtime/counters.ts";
import { resolveLimits } from "../../runtime/limits/limits.ts";

describe("ConsumerSettingsReader", () => {
  const settings = new ConsumerSettingsReader(
    {},
    resolveLimits({ maxGroupsPerConnection: 7, maxByteBurst: 8 }),
    new Counters(),
  );

  it("reads the limits of a class, with those of the runtime as defaults", () => {
    class Small extends WebSocketConsumer {
      static override readonly limits = { framesPerSecond: 1, frameBurst: 2, tags: 3 };
    }
    expect(settings.of(Small).limits).to.deep.equal({
      framesPerSecond: 1,
      frameBurst: 2,
      bytesPerSecond: 4_194_304,
      byteBurst: 8,
      groups: 7,
      presences: 100,
      watches: 1_000,
      tags: 3,
      jobs: 100,
      asks: 100,
    });
  });

  it("reads the limits of a machine consumer from its options", () => {
    const Machine = machineConsumer(createMachine({}), { limits: { asks: 1 } });
    expect(settings.of(Machine).limits).to.include({ asks: 1, groups: 7 });
  });

  it("refuses a limit that is out of range", () => {
    for (const value of [0, -1, 1.5, Number.POSITIVE_INFINITY, "1"]) {
      class Odd extends WebSocketConsumer {
        static override readonly limits = { jobs: value as number };
      }
      expect(() => settings.of(Odd), `${value}`).to.throw(
        InvalidOptionError,
        "`Odd.limits.jobs` must be an integer from 1 to 2147483647",
      );
    }
  });
});
