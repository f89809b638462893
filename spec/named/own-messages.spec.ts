import { expect } from "chai";
import { LayerUnavailableError } from "greenroom";
import type { StateBackend, Turn, TurnReply } from "../../layers/state-backend.ts";
import { NotStoredError } from "../../named/errors.ts";
import type { Kind } from "../../named/kind.ts";
import { account } from "./support/account.ts";
import { errorOf, onEachStore, type Stage } from "./support/stage.ts";

/** Called instead of a turn. `execute` lets the store execute it. */
type OnTurn = (turn: Turn, execute: () => Promise<TurnReply>) => Promise<TurnReply>;

const add = { type: "add", by: 1 } as const;

describe("Messages of a node to its own named actors", () => {
  onEachStore((stage) => {
    it("go to the store with the turns of their partition", async () => {
      const { kind, calls } = await watched(stage());
      const actor = kind.get("a");
      await actor.ask(add);
      calls.length = 0;
      expect(await actor.ask(add)).to.equal(2);
      // The first turn stores and takes the message, and the second one commits the step.
      expect(calls.filter((call) => call === "turn" || call === "ship")).to.deep.equal(["turn", "turn"]);
    });

    it("that come while a turn is under way go together with the next one", async () => {
      const sizes: number[] = [];
      const { kind } = await watched(stage(), (turn, execute) => {
        if (turn.shipment !== undefined) sizes.push(turn.shipment.messages.length);
        return execute();
      });
      const actor = kind.get("a");
      const first = actor.ask(add);
      await first;
      const asks = Array.from({ length: 100 }, () => actor.ask(add));
      expect(await Promise.all(asks)).to.deep.equal(asks.map((_, index) => index + 2));
      expect(sizes.slice(1)).to.deep.equal([100]);
    });

    for (const isExecuted of [false, true]) {
      it(`go without a turn once a turn ${isExecuted ? "has no reply" : "fails"}, and are handled once`, async () => {
        let failures = 0;
        const { kind, calls } = await watched(stage(), async (turn, execute) => {
          if (turn.shipment === undefined || failures > 0) return execute();
          failures += 1;
          if (isExecuted) await execute();
          throw new LayerUnavailableError("The connection broke.");
        });
        const actor = kind.get("a");
        const answers = [1, 2, 3].map(() => actor.ask(add));
        expect(await Promise.all(answers)).to.deep.equal([1, 2, 3]);
        expect(failures).to.equal(1);
        expect(calls.filter((call) => call === "ship")).to.have.length(1);
        expect(await actor.ask(add)).to.equal(4);
      });
    }

    it("go without a turn while their partition repeats one", async () => {
      let isBroken = false;
      const { kind } = await watched(stage(), async (_, execute) => {
        if (isBroken) throw new LayerUnavailableError("The connection broke.");
        return execute();
      });
      const actor = kind.get("a");
      await actor.ask(add);
      isBroken = true;
      await actor.send(add);
      await actor.send(add);
      const answer = actor.ask(add);
      isBroken = false;
      expect(await answer).to.equal(4);
    });

    it("do not hold up the turn with which the store refuses them", async () => {
      let isFull = false;
      const refuse = () => Promise.reject(new LayerUnavailableError("It is full.", { effect: "refused" }));
      const { kind } = await watched(
        stage(),
        (turn, execute) => (isFull && turn.shipment !== undefined ? refuse() : execute()),
        (execute) => (isFull ? refuse() : execute()),
      );
      const actor = kind.get("a");
      const answer = actor.ask(add);
      await actor.send(add);
      isFull = true;
      expect(await errorOf(actor.send(add))).to.be.instanceOf(NotStoredError);
      expect(await answer).to.equal(1);
      isFull = false;
      expect(await actor.ask(add)).to.equal(3);
      expect(stage().errors.filter((error) => error instanceof LayerUnavailableError)).to.deep.equal([]);
    });

    it("are stored by another owner once the partition has one", async () => {
      const { kind, calls } = await watched(stage());
      const { kind: other } = await stage().node("account", account);
      const keys = Array.from({ length: 20 }, (_, index) => `key ${index}`);
      calls.length = 0;
      await Promise.all(keys.map((key) => kind.get(key).ask(add)));
      expect(other.owned.size).to.be.above(0);
      expect(calls).to.include("ship");
    });
  });
});

/** A node whose calls to the store are listed by name, with `turn` and `ship` replaced. */
async function watched(
  stage: Stage,
  onTurn: OnTurn = (_, execute) => execute(),
  onShip: <T>(execute: () => Promise<T>) => Promise<T> = (execute) => execute(),
): Promise<{ readonly kind: Kind; readonly calls: string[] }> {
  const { kind } = await stage.node("account", account);
  const calls: string[] = [];
  const { state } = kind;
  const run = state.run.bind(state);
  state.run = (work) =>
    run((backend) => {
      const faulty: Pick<StateBackend, "turn" | "ship"> = {
        turn: (partition, turn) => onTurn(turn, () => backend.turn(partition, turn)),
        ship: (...shipment) => onShip(() => backend.ship(...shipment)),
      };
      const watching = new Proxy(backend, {
        get(_, name: keyof StateBackend) {
          calls.push(name);
          return name === "turn" || name === "ship" ? faulty[name] : backend[name].bind(backend);
        },
      });
      return work(watching);
    });
  return { kind, calls };
}
