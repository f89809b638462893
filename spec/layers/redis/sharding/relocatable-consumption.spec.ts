import { expect } from "chai";
import type { Consumption } from "../../../../layers/backend.ts";
import { Pauses } from "../../../../layers/redis/connection/pauses.ts";
import { MovingConsumption } from "../../../../layers/redis/sharding/relocatable-consumption.ts";

/** A place where a queue lives: it begins to consume when told, or fails to. */
function places() {
  const beginnings: { begin(): void; fail(error: Error): void }[] = [];
  const open = new Set<number>();
  const start = () =>
    new Promise<Consumption>((resolve, reject) => {
      const place = beginnings.length;
      const close = async () => {
        open.delete(place);
      };
      const begin = () => {
        open.add(place);
        resolve({ close });
      };
      beginnings.push({ begin, fail: reject });
    });
  return { beginnings, open, start };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("MovingConsumption", () => {
  it("moves once it has begun, where it is told to while it begins", async () => {
    const { beginnings, open, start } = places();
    const consumption = new MovingConsumption(start, new Pauses(globalThis), () => {});
    const opening = consumption.open();
    consumption.move();
    await turn();
    expect(beginnings).to.have.length(1);
    beginnings[0]?.begin();
    await opening;
    await turn();
    beginnings[1]?.begin();
    await consumption.moved;
    expect([...open]).to.deep.equal([1]);
    await consumption.close();
    expect([...open]).to.deep.equal([]);
  });

  it("moves also where it could not begin at the old place", async () => {
    const { beginnings, open, start } = places();
    const consumption = new MovingConsumption(start, new Pauses(globalThis), () => {});
    const opening = consumption.open().catch((error: Error) => error.message);
    consumption.move();
    beginnings[0]?.fail(new Error("closed"));
    expect(await opening).to.equal("closed");
    await turn();
    beginnings[1]?.begin();
    await consumption.moved;
    expect([...open]).to.deep.equal([1]);
    await consumption.close();
  });
});
