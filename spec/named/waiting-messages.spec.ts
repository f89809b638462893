import { expect } from "chai";
import { NotStoredError } from "../../named/errors.ts";
import { account } from "./support/account.ts";
import { Stage } from "./support/stage.ts";

describe("The messages of a node that wait for the store", () => {
  it("take 64 MiB at most, and there is room again once they are stored or refused", async () => {
    const stage = Stage.memory();
    const { kind } = await stage.node("account", account, { mailbox: { capacity: 1 } });
    const padded = { type: "add", by: 1, padding: "x".repeat(1_000_000) } as const;
    const burst = async (count: number) => {
      const sends = Array.from({ length: count }, (_, index) => kind.get(`key ${index % 40}`).send(padded));
      const settled = await Promise.allSettled(sends);
      return settled.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    };
    const refused = (await burst(80)).filter((error) => error instanceof NotStoredError);
    expect(refused).to.have.length(13);
    const others = (await burst(60)).filter((error) => error instanceof NotStoredError);
    expect(others).to.deep.equal([]);
    await stage.close();
  });
});
