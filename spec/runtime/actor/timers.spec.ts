import { expect } from "chai";
import {
  type ActorRef,
  createRuntime,
  handlers,
  InvalidOptionError,
  MemoryLayer,
  TooManyTimersError,
  WebSocketConsumer,
} from "greenroom";
import { communicate } from "greenroom/testing";
import { SimulatedClock } from "xstate";
import { until } from "../../layers/support/until.ts";
import { gate } from "../../support/gate.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { unlessByMachine } from "../../support/serving.ts";
import { CountingClock } from "../support/counting-clock.ts";

/** Runs `act` for each frame, and sends what its timers say. */
class Timekeeper extends WebSocketConsumer {
  static act: (consumer: Timekeeper, text: string) => unknown = () => {};
  override receive(text: string) {
    return Timekeeper.act(this, text) as undefined;
  }
}

describe("Timers of a consumer", () => {
  /** Connects a client of a consumer that starts its timers in `connect`. */
  async function connect(begin: (consumer: WebSocketConsumer) => void, Base = Timekeeper) {
    const clock = new SimulatedClock();
    const errors: [string, string][] = [];
    class Timed extends Base {
      override connect() {
        begin(this);
      }
    }
    const onError = unlessByMachine((error: Error, { stage }: { stage: string }) =>
      errors.push([error.message, stage]),
    );
    const client = communicate(Timed, { options: { clock, onError: onError as never } });
    await client.connect();
    return { client, clock, errors };
  }

  afterEach(() => {
    Timekeeper.act = () => {};
  });

  it("call every period, on the runtime's clock, until they are cancelled", async () => {
    let cancel = () => {};
    let count = 0;
    const { client, clock } = await connect((consumer) => {
      cancel = consumer.every(1_000, () => consumer.send(`tick ${++count}`));
    });
    clock.increment(999);
    await client.receiveNothing();
    for (const tick of ["tick 1", "tick 2"]) {
      clock.increment(tick === "tick 1" ? 1 : 1_000);
      expect(await client.receive()).to.equal(tick);
    }
    cancel();
    cancel();
    clock.increment(10_000);
    await client.receiveNothing();
    await client.disconnect();
  });

  it("call once after a delay, unless they are cancelled", async () => {
    const { client, clock } = await connect((consumer) => {
      consumer.after(0, () => consumer.send("soon"));
      consumer.after(1_000, () => consumer.send("later"));
      consumer.after(500, () => consumer.send("never"))();
    });
    clock.increment(0);
    expect(await client.receive()).to.equal("soon");
    clock.increment(1_000);
    expect(await client.receive()).to.equal("later");
    clock.increment(10_000);
    await client.receiveNothing();
    await client.disconnect();
  });

  it("wait for a pending method, and take their turn among the messages", async () => {
    const [begun, working] = [gate(), gate()];
    interface Notes {
      note: { text: string };
    }
    class Busy extends WebSocketConsumer<{ messages: Notes }> {
      static override readonly layer = "chat";
      static override readonly on = handlers<Busy>({
        async note({ text }) {
          if (text === "work") {
            begun.open();
            await working.opened;
          }
          this.send(text);
        },
      });
      override async connect() {
        await this.groupAdd("notes");
        this.after(1_000, () => this.send("due"));
      }
    }
    const clock = new SimulatedClock();
    const chat = new MemoryLayer<Notes>();
    await using runtime = createRuntime({ layers: { chat }, clock });
    const client = communicate(Busy, { runtime });
    await client.connect();
    await chat.groupSend("notes", { type: "note", text: "work" });
    await begun.opened;
    await chat.groupSend("notes", { type: "note", text: "before" });
    await until(() => chat.inFlight === 0);
    clock.increment(1_000);
    await chat.groupSend("notes", { type: "note", text: "after" });
    await until(() => chat.inFlight === 0);
    working.open();
    const frames = [];
    while (frames.length < 4) frames.push(await client.receive());
    expect(frames).to.deep.equal(["work", "before", "due", "after"]);
    await client.disconnect();
  });

  it("hold up the next frame until a returned promise settles", async () => {
    const working = gate();
    Timekeeper.act = (consumer, text) => consumer.send(text);
    const { client, clock } = await connect((consumer) => {
      consumer.after(1, async () => {
        await working.opened;
        consumer.send("done");
      });
    });
    clock.increment(1);
    client.send("frame");
    await nextTurn();
    working.open();
    expect([await client.receive(), await client.receive()]).to.deep.equal(["done", "frame"]);
    await client.disconnect();
  });

  it("do not pile up behind a slow method, and can be cancelled while a call waits", async () => {
    const working = gate();
    let cancel = () => {};
    Timekeeper.act = async (consumer, text) => {
      if (text === "work") await working.opened;
      if (text === "cancel") cancel();
      consumer.send(text);
    };
    const { client, clock } = await connect((consumer) => {
      cancel = consumer.every(10, () => consumer.send("tick"));
    });
    client.send("work");
    for (let period = 0; period < 5; period += 1) clock.increment(10);
    working.open();
    expect([await client.receive(), await client.receive()]).to.deep.equal(["work", "tick"]);
    await client.receiveNothing();
    clock.increment(10);
    expect(await client.receive()).to.equal("tick");
    const again = gate();
    Timekeeper.act = async () => {
      await again.opened;
      cancel();
    };
    client.send("work");
    clock.increment(10);
    again.open();
    await client.receiveNothing();
    await client.disconnect();
  });

  it("fail the actor with the stage `timer` if a callback throws or rejects", async () => {
    for (const fail of [
      () => {
        throw new Error("boom");
      },
      () => Promise.reject(new Error("boom")),
    ]) {
      const { client, clock, errors } = await connect((consumer) => {
        consumer.every(1, fail);
      });
      clock.increment(1);
      expect(await client.closed).to.deep.equal({ code: 1011, reason: "Internal error" });
      expect(errors).to.deep.equal([["boom", "timer"]]);
      await client.disconnect();
    }
  });

  it("continue if the supervision resumes, and end with a consumer that is replaced", async () => {
    for (const onFailure of ["resume", "restart"] as const) {
      let instances = 0;
      class Supervised extends Timekeeper {
        static override readonly supervision = { onFailure, backoffMs: 0 };
        readonly #number = ++instances;
        ticks = 0;
        override restarted() {
          this.send("restarted");
        }
        tick() {
          this.ticks += 1;
          if (this.ticks === 1) throw new Error("boom");
          this.send(`${this.#number} ticks`);
        }
      }
      const { client, clock } = await connect((consumer) => {
        consumer.every(10, () => (consumer as Supervised).tick());
      }, Supervised);
      clock.increment(10);
      await nextTurn();
      // The pause before a restart.
      clock.increment(0);
      await client.settle();
      clock.increment(10);
      expect(await client.receive(), onFailure).to.equal(onFailure === "resume" ? "1 ticks" : "restarted");
      clock.increment(10);
      if (onFailure === "resume") expect(await client.receive()).to.equal("1 ticks");
      await client.receiveNothing();
      await client.disconnect();
    }
  });

  it("cannot be started by a consumer that was replaced while its method was pending", async () => {
    const working = gate();
    class Slow extends WebSocketConsumer {
      static override readonly supervision = { onFailure: "restart", backoffMs: 0 } as const;
      static override readonly handlerTimeoutMs = 100;
      override async receive() {
        await working.opened;
        this.every(10, () => this.send("old"));
        this.after(10, () => this.send("old"));
      }
      override restarted() {
        this.after(10, () => this.send("new"));
        this.send("restarted");
      }
    }
    const { client, clock } = await connect(() => {}, Slow as never);
    client.send("work");
    await nextTurn();
    clock.increment(100);
    await nextTurn();
    // The pause before a restart.
    clock.increment(0);
    expect(await client.receive()).to.equal("restarted");
    working.open();
    await client.settle();
    clock.increment(10);
    expect(await client.receive()).to.equal("new");
    await client.receiveNothing();
    await client.disconnect();
  });

  it("end with the actor, leave no timer of the clock behind, and cannot be started after that", async () => {
    const clock = new CountingClock();
    await using runtime = createRuntime({ clock });
    const before = clock.timers;
    let late: Timekeeper | undefined;
    Timekeeper.act = (consumer) => {
      late = consumer;
      consumer.every(3_600_000, () => {});
      consumer.after(3_600_000, () => {});
    };
    const actor: ActorRef = await runtime.spawn(Timekeeper);
    actor.receive("begin");
    expect(clock.timers).to.equal(before + 2);
    await actor.stop();
    expect(clock.timers).to.equal(before);
    late?.every(1, () => {})();
    late?.after(0, () => {});
    expect(clock.timers).to.equal(before);
  });

  it("cannot be started for the first time by an actor that leaves", async () => {
    const clock = new CountingClock();
    await using runtime = createRuntime({ clock });
    const before = clock.timers;
    class Late extends WebSocketConsumer {
      override disconnect() {
        this.every(3_600_000, () => {});
      }
    }
    await (await runtime.spawn(Late)).stop();
    expect(clock.timers).to.equal(before);
  });

  it("count no dropped item for a call that waits when the connection ends", async () => {
    const clock = new SimulatedClock();
    await using runtime = createRuntime({ clock, handlerGraceMs: 1 });
    const working = gate();
    Timekeeper.act = (consumer) => {
      consumer.after(1, () => {});
      return working.opened;
    };
    const actor = await runtime.spawn(Timekeeper);
    actor.receive("work");
    clock.increment(1);
    void actor.stop();
    await until(() => actor.machine.getSnapshot().value === "closing");
    working.open();
    await actor.done;
    expect(runtime.counters().dropped.closing).to.equal(0);
  });

  it("refuse a time out of range, a callback that is not a function, and more than 1,000 timers", async () => {
    const errors: unknown[] = [];
    const attempt = (work: () => unknown) => {
      try {
        work();
      } catch (error) {
        errors.push(error);
      }
    };
    const { client } = await connect((consumer) => {
      for (const ms of [0, -1, 1.5, Number.NaN, 2 ** 31, "1" as never])
        attempt(() => consumer.every(ms, () => {}));
      attempt(() => consumer.after(-1, () => {}));
      attempt(() => consumer.after(1, "now" as never));
      for (let count = 0; count < 1_001; count += 1) attempt(() => consumer.after(1, () => {}));
    });
    for (const error of errors.slice(0, 7)) expect(error).to.be.instanceOf(InvalidOptionError);
    expect(errors[7]).to.be.instanceOf(TypeError);
    expect(errors[8]).to.be.instanceOf(TooManyTimersError);
    expect(errors).to.have.length(9);
    await client.disconnect();
  });
});
