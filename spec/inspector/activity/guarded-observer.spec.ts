import { expect } from "chai";
import { WebSocketConsumer } from "greenroom";
import { guardedObserver } from "../../../inspector/activity/guarded-observer.ts";
import type { ActivityObserver, Observed } from "../../../runtime/inspection-hooks.ts";

class Shown extends WebSocketConsumer {}
class Hidden extends WebSocketConsumer {}

describe("guardedObserver", () => {
  const calls: unknown[][] = [];
  const reports: unknown[][] = [];
  const recorder =
    (name: string) =>
    (...args: unknown[]): void => {
      calls.push([name, ...args.slice(1)]);
      throw new Error(name);
    };
  const observer: ActivityObserver = {
    onItem: recorder("onItem"),
    onSend: recorder("onSend"),
    onGroupOperation: recorder("onGroupOperation"),
    onMachineStart: recorder("onMachineStart"),
  };
  const guarded = guardedObserver(
    observer,
    (Consumer) => Consumer === Hidden,
    (error, where) => reports.push([(error as Error).message, where]),
  );
  const callAll = (actor: Observed) => {
    guarded.onItem(actor, "in");
    guarded.onSend(actor, "out");
    guarded.onGroupOperation(actor, "groupSend", "talk", { type: "word" });
    guarded.onMachineStart(actor, "machine" as never);
  };
  beforeEach(() => {
    calls.length = reports.length = 0;
  });

  it("forwards every event, and reports errors of the observer", () => {
    callAll({ Consumer: Shown } as unknown as Observed);
    expect(calls).to.deep.equal([
      ["onItem", "in"],
      ["onSend", "out"],
      ["onGroupOperation", "groupSend", "talk", { type: "word" }],
      ["onMachineStart", "machine"],
    ]);
    expect(reports).to.deep.equal(calls.map(([name]) => [name, { stage: "inspector" }]));
  });

  it("forwards no events of hidden consumers", () => {
    callAll({ Consumer: Hidden } as unknown as Observed);
    expect(calls).to.deep.equal([]);
  });
});
