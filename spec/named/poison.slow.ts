import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { until } from "../layers/support/until.ts";
import { bundled } from "../support/bundled.ts";
import { startProcess } from "../support/child-process.ts";
import { redisUrl } from "../support/redis.ts";
import { newPrefix, startNotes, stopNotes } from "./support/notes.ts";

const program = fileURLToPath(new URL("./support/notes-process.ts", import.meta.url));

describe("A named actor with a message that ends its process", () => {
  afterEach(stopNotes);

  it("sets the message aside after two processes, and goes on", async function () {
    this.timeout(60_000);
    const prefix = newPrefix();
    const first = startNotes({ prefix });
    const actor = first.notes.get("a");
    await actor.ask({ type: "note", text: "before" });
    await first.close();
    const caller = startNotes({ prefix, callsOnly: true });
    const [guilty, behind] = [caller.notes.get("a"), caller.notes.get("b")];
    await guilty.send({ type: "die" });
    await guilty.send({ type: "note", text: "after" });
    await behind.send({ type: "note", text: "innocent" });
    let deaths = 0;
    const texts = async () => (await guilty.view())?.texts ?? [];
    for (;;) {
      const child = await startProcess(
        process.execPath,
        [await bundled(program), redisUrl(), prefix],
        (line) => line === "ready",
      );
      const isDone = async () => (await texts()).includes("after") && (await behind.view()) !== undefined;
      await until(async () => !child.isRunning || (await isDone()));
      if (child.isRunning) {
        process.kill(child.pid, "SIGTERM");
        await child.exited;
        break;
      }
      deaths += 1;
    }
    expect(await texts()).to.deep.equal(["before", "after"]);
    expect(deaths).to.equal(2);
    expect((await behind.view())?.texts).to.deep.equal(["innocent"]);
    const [dead, ...others] = await caller.deadLetters();
    expect(others).to.deep.equal([]);
    expect(dead)
      .to.include({ key: "a" })
      .and.to.have.property("reason")
      .that.includes("The process ended 2 times");
  });
});
