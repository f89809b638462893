import { expect } from "chai";
import { until } from "../layers/support/until.ts";
import { account } from "./support/account.ts";
import { Stage } from "./support/stage.ts";

describe("A named actor whose snapshot cannot be read", () => {
  it("is parked once, not again with each message", async () => {
    const stage = Stage.memory();
    const { kind } = await stage.node("account", account);
    const state = { version: "x-1", data: Buffer.from("damaged") };
    await kind.state.run((backend) => backend.replace(kind.partitionOf("a"), "a", state, undefined));
    for (let sent = 0; sent < 20; sent += 1) {
      await kind.get("a").send({ type: "add", by: 1 });
      await until(() => kind.counts.parked > 0);
    }
    expect(kind.counts.parked).to.equal(1);
    expect(await kind.resume("a")).to.equal(true);
    await until(() => kind.counts.parked === 2);
    await stage.close();
  });
});
