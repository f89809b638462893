import { expect } from "chai";
import { SimulatedClock } from "xstate";
import { Refusals, refusalMs, textOfLabel } from "../../../../layers/redis/connection/refusals.ts";

const publish = (...keys: string[]) => ({ command: "PUBLISH", keys });

describe("Refusals", () => {
  let clock: SimulatedClock;
  let refusals: Refusals;
  beforeEach(() => {
    clock = new SimulatedClock();
    refusals = new Refusals(clock);
  });

  function refuse(reply: string, label: Parameters<Refusals["refused"]>[0]): void {
    refusals.refused(label, new Error(reply), new Error(`${textOfLabel(label)}: ${reply}`));
  }
  const latest = () => refusals.latest?.message;

  it("keeps a refusal of one channel until the same command on this channel succeeds", () => {
    refuse("NOPERM No permissions to access a channel", publish("one"));
    refusals.succeeded(publish("two"));
    refusals.succeeded({ command: "SUBSCRIBE", keys: ["one"] });
    expect(latest()).to.equal('PUBLISH on "one": NOPERM No permissions to access a channel');
    refusals.succeeded(publish("two", "one"));
    expect(latest()).to.equal(undefined);
  });

  it("ends a refusal that concerns no channel when the same command succeeds with any", () => {
    refuse("NOPERM User app has no permissions to run the 'publish' command", publish("one"));
    refusals.succeeded({ command: "SUBSCRIBE", keys: ["one"] });
    expect(latest()).to.include("PUBLISH");
    refusals.succeeded(publish("two"));
    expect(latest()).to.equal(undefined);
  });

  it("tells scripts apart by their kinds", () => {
    const script = (kind: string, addsData = false) => ({ command: "EVAL", kind, keys: ["key"], addsData });
    refuse("ERR in a script", script("renew"));
    refusals.succeeded(script("read"));
    refusals.succeeded(script("write", true));
    expect(latest()).to.equal('EVAL on "key": ERR in a script');
    refusals.succeeded(script("renew"));
    expect(latest()).to.equal(undefined);
  });

  it("ends a refusal of all new data when any command that adds data succeeds", () => {
    for (const reply of ["OOM command not allowed", "MISCONF Redis is configured", "NOREPLICAS Not enough"]) {
      refuse(reply, { command: "EVALSHA", kind: "heads", keys: ["a"] });
      refusals.succeeded({ command: "XRANGE", keys: ["b"] });
      expect(latest()).to.include(reply);
      refusals.succeeded({ command: "EVAL", kind: "publish", keys: ["b"], addsData: true });
      expect(latest()).to.equal(undefined);
    }
  });

  it("keeps a refusal of all new data if the same command succeeds without a write", () => {
    const enqueue = { command: "EVAL", kind: "enqueue", keys: ["a"] };
    refuse("OOM command not allowed", enqueue);
    refusals.succeeded(enqueue, 0);
    refusals.succeeded({ ...enqueue, mayOnlyRead: true }, ["the head"]);
    expect(latest()).to.include("OOM");
    refusals.succeeded({ ...enqueue, keys: ["b"] }, 1);
    expect(latest()).to.equal(undefined);
  });

  it("ends other refusals by a command that writes nothing", () => {
    const heads = { command: "EVALSHA", kind: "heads", keys: ["a"], mayOnlyRead: true };
    refuse("NOPERM No permissions to access a key", heads);
    refusals.succeeded(heads);
    expect(latest()).to.equal(undefined);
    refuse("NOPERM this user has no permissions to run the 'evalsha' command", heads);
    refusals.succeeded(heads, 0);
    expect(latest()).to.equal(undefined);
  });

  it("forgets a refusal a minute after its last repetition", () => {
    refuse("NOPERM channel", publish("one"));
    clock.increment(refusalMs - 1);
    refuse("NOPERM channel again", publish("one"));
    clock.increment(refusalMs - 1);
    expect(latest()).to.include("again");
    clock.increment(1);
    expect(latest()).to.equal(undefined);
    expect(refusalMs).to.equal(60_000);
  });

  it("forgets the refusals of a key", () => {
    refuse("NOPERM channel", publish("one"));
    refuse("NOPERM channel", { command: "SUBSCRIBE", keys: ["one"] });
    refuse("NOPERM channel", publish("two"));
    refusals.forget("one");
    expect(latest()).to.equal('PUBLISH on "two": NOPERM channel');
    refusals.forget("two");
    expect(latest()).to.equal(undefined);
  });

  it("keeps the newest hundred refusals", () => {
    for (let number = 0; number <= 100; number += 1) refuse("NOPERM channel", publish(`${number}`));
    for (let number = 1; number < 100; number += 1) refusals.succeeded(publish(`${number}`));
    expect(latest()).to.include('"100"');
    refusals.succeeded(publish("100"));
    // The refusal of "0" was the oldest.
    expect(latest()).to.equal(undefined);
  });
});

describe("textOfLabel", () => {
  it("names the command, its first key, and the number of the others", () => {
    expect(textOfLabel({ command: "PING", keys: [] })).to.equal("PING");
    expect(textOfLabel(publish("a"))).to.equal('PUBLISH on "a"');
    expect(textOfLabel(publish("a", "b", "c"))).to.equal('PUBLISH on "a" and 2 more');
  });
});
