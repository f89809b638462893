import { AsyncLocalStorage } from "node:async_hooks";
import { expect } from "chai";
import { Scheduler } from "../../../runtime/scheduler/scheduler.ts";
import { LostSockets } from "../../../runtime/socket/lost-sockets.ts";
import { nextTurn } from "../../support/next-turn.ts";

const inlineMs = 3;
const tasksMs = 5;

describe("LostSockets", () => {
  let time: number;
  let ended: number[];
  let added: number;
  let lostSockets: LostSockets;
  beforeEach(() => {
    time = 0;
    ended = [];
    added = 0;
    lostSockets = new LostSockets(new Scheduler(() => time));
  });

  /** Loses sockets whose connections take 1 ms each to end. */
  function lose(count: number): void {
    for (let left = count; left > 0; left -= 1) {
      const number = added;
      added += 1;
      lostSockets.add(() => {
        time += 1;
        ended.push(number);
      });
    }
  }

  const numbers = (count: number) => Array.from({ length: count }, (_, number) => number);

  it("ends connections at once while the turn has time, and the others in later turns, in order", async () => {
    lose(20);
    for (let count = inlineMs; count < 20; count += tasksMs) {
      expect(ended).to.deep.equal(numbers(count));
      await nextTurn();
    }
    expect(ended).to.deep.equal(numbers(20));
  });

  it("lets a later loss wait behind those that wait already", async () => {
    lose(inlineMs + tasksMs + 1);
    await nextTurn();
    lose(1);
    expect(ended).to.deep.equal(numbers(inlineMs + tasksMs));
    await nextTurn();
    expect(ended).to.deep.equal(numbers(inlineMs + tasksMs + 2));
    await nextTurn();
    lose(1);
    expect(ended).to.deep.equal(numbers(inlineMs + tasksMs + 3));
  });

  it("ends a connection that is lost while another one ends", async () => {
    lose(inlineMs);
    lostSockets.add(() => lose(2));
    await nextTurn();
    await nextTurn();
    expect(ended).to.deep.equal(numbers(inlineMs + 2));
  });

  it("ends a connection in the async context of its loss, also later", async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    lose(inlineMs);
    storage.run("lost", () => lostSockets.add(() => seen.push(storage.getStore())));
    expect(seen).to.deep.equal([]);
    await nextTurn();
    expect(seen).to.deep.equal(["lost"]);
  });
});
