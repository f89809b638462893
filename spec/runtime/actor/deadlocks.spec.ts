import { expect } from "chai";
import {
  type ActorRef,
  createRuntime,
  DeadlockError,
  type Exit,
  type Runtime,
  WebSocketConsumer,
} from "greenroom";
import { gate } from "../../support/gate.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { unlessByMachine } from "../../support/serving.ts";

type Method = "receive" | "timer" | "disconnect" | "restarted";

/** An actor whose `method` calls `end` with a reference to the actor itself. */
async function spawnThat(method: Method, end: (self: ActorRef, runtime: Runtime) => unknown) {
  const errors: unknown[] = [];
  const runtime = createRuntime({
    onError: unlessByMachine((error) => errors.push(error)),
    handlerGraceMs: 60_000,
  });
  const finished = gate();
  const run = async () => {
    await end(self, runtime);
    finished.open();
  };
  class Ending extends WebSocketConsumer {
    static override readonly supervision = { onFailure: "restart", backoffMs: 0 } as const;
    override receive(text: string): void | Promise<void> {
      if (text === "fail") throw new Error("on purpose");
      if (method === "receive") return run();
      if (method === "timer") this.after(0, run);
      return undefined;
    }
    override restarted() {
      return method === "restarted" ? run() : undefined;
    }
    override disconnect() {
      return method === "disconnect" ? run() : undefined;
    }
  }
  const self: ActorRef = await runtime.spawn(Ending);
  return { self, runtime, errors, finished: finished.opened };
}

const caught = (work: Promise<unknown>) => work.catch((error: unknown) => error);

describe("A handler that awaits its own end", () => {
  const ends: Readonly<Record<string, (self: ActorRef, runtime: Runtime) => Promise<unknown>>> = {
    "stop()": (self) => self.stop(),
    done: (self) => self.done,
    "close() of the runtime": (_, runtime) => runtime.close(),
  };
  for (const [name, end] of Object.entries(ends)) {
    for (const method of ["receive", "timer", "restarted", "disconnect"] as const) {
      it(`is told at once: ${name} in ${method}`, async () => {
        let outcome: unknown;
        const { self, runtime, finished } = await spawnThat(method, async (own, its) => {
          outcome = await caught(end(own, its));
        });
        if (method === "disconnect") void self.stop();
        else self.receive(method === "restarted" ? "fail" : "begin");
        await finished;
        expect(outcome).to.be.instanceOf(DeadlockError);
        expect(outcome).to.have.property("code", "ERR_DEADLOCK");
        await self.stop();
        await runtime.close();
      });
    }
  }

  it("may begin its own end without waiting, and register work for the time after", async () => {
    const later: string[] = [];
    const over = gate();
    const { self, runtime, errors, finished } = await spawnThat("receive", (own, its) => {
      void own.done.then(({ by }) => later.push(`done by ${by}`));
      void own.stop().then(({ by }) => later.push(`stopped by ${by}`));
      void its.close().then(over.open, over.fail);
    });
    self.receive("begin");
    await Promise.all([finished, over.opened]);
    expect(later).to.have.members(["done by client", "stopped by client"]);
    await nextTurn();
    expect([errors, runtime.size]).to.deep.equal([[], 0]);
  });

  it("is not told if it awaits the end of another actor", async () => {
    let exit: Exit | undefined;
    const { self, runtime, finished } = await spawnThat("receive", async () => {
      exit = await other.self.stop();
    });
    const other = await spawnThat("receive", () => {});
    self.receive("begin");
    await finished;
    expect(exit).to.deep.equal({ code: 1000, reason: "", by: "client" });
    await Promise.all([runtime.close(), other.runtime.close()]);
  });

  it("keeps other code waiting, which is not told", async () => {
    const [begun, working] = [gate(), gate()];
    const { self, runtime, finished } = await spawnThat("receive", () => {
      begun.open();
      return working.opened;
    });
    self.receive("begin");
    await begun.opened;
    const ended = Promise.all([self.stop(), self.done, runtime.close()]);
    for (let turn = 0; turn < 3; turn += 1) await nextTurn();
    working.open();
    await finished;
    expect((await ended)[0]).to.deep.equal({ code: 1000, reason: "", by: "client" });
  });

  for (const [name, end] of Object.entries(ends)) {
    it(`is not told if a timer of a finished handler calls ${name} while another handler runs`, async () => {
      const [begun, working, called] = [gate(), gate(), gate()];
      let ended: Promise<unknown> | undefined;
      const runtime = createRuntime();
      class Working extends WebSocketConsumer {
        override receive(text: string): void | Promise<void> {
          if (text === "work") {
            begun.open();
            return working.opened;
          }
          setTimeout(() => {
            ended = caught(end(self, runtime));
            called.open();
          });
          return undefined;
        }
      }
      const self: ActorRef = await runtime.spawn(Working);
      self.receive("begin");
      self.receive("work");
      await Promise.all([begun.opened, called.opened]);
      for (let turn = 0; turn < 3; turn += 1) await nextTurn();
      working.open();
      if (name === "done") void self.stop();
      expect(await ended).not.to.be.instanceOf(Error);
      await runtime.close();
    });
  }

  it("is not told if it has finished, and the next handler runs", async () => {
    const [begun, working] = [gate(), gate()];
    let ended: Promise<unknown> | undefined;
    const runtime = createRuntime();
    class Working extends WebSocketConsumer {
      override receive(text: string): void | Promise<void> {
        if (text === "begin") {
          ended = caught(self.done);
          return undefined;
        }
        begun.open();
        return working.opened;
      }
    }
    const self: ActorRef = await runtime.spawn(Working);
    self.receive("begin");
    self.receive("work");
    await begun.opened;
    for (let turn = 0; turn < 3; turn += 1) await nextTurn();
    working.open();
    await self.stop();
    expect(await ended).to.deep.equal({ code: 1000, reason: "", by: "client" });
    await runtime.close();
  });

  it("is not told outside of a handler: in a promise that no handler awaits", async () => {
    const settled = gate();
    let exit: Exit | undefined;
    const { self, runtime, finished } = await spawnThat("receive", (own) => {
      void settled.opened.then(async () => {
        exit = await own.stop();
      });
    });
    self.receive("begin");
    await finished;
    await nextTurn();
    settled.open();
    await self.done;
    await nextTurn();
    expect(exit).to.deep.equal({ code: 1000, reason: "", by: "client" });
    await runtime.close();
  });
});
