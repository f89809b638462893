import { expect } from "chai";
import { LayerUnavailableError } from "greenroom";
import type { StateBackend, Turn, TurnReply } from "../../layers/state-backend.ts";
import { NotStoredError, OutcomeUnknownError } from "../../named/errors.ts";
import type { Kind } from "../../named/kind.ts";
import { until } from "../layers/support/until.ts";
import { account } from "./support/account.ts";
import { errorOf, onEachStore, partitions, type Stage } from "./support/stage.ts";

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

    it("have an unknown outcome if their turn has no reply, and no other call comes through", async () => {
      let isBroken = false;
      const { kind, calls } = await watched(
        stage(),
        async (turn, execute) => {
          const reply = await execute();
          if (!isBroken || turn.shipment === undefined) return reply;
          throw new LayerUnavailableError("The connection broke.");
        },
        (execute) =>
          isBroken
            ? Promise.reject(new LayerUnavailableError("Not connected.", { effect: "none" }))
            : execute(),
      );
      isBroken = true;
      const error = errorOf(kind.get("a").send(add));
      await until(() => calls.includes("ship"));
      kind.close();
      expect(await error).to.be.instanceOf(OutcomeUnknownError);
    });

    it("go without a turn while their partition repeats one", async () => {
      let isBroken = false;
      let repair = () => {};
      const repaired = new Promise<void>((resolve) => {
        repair = resolve;
      });
      let repetitions = 0;
      const { kind } = await watched(stage(), async (_, execute) => {
        if (isBroken) {
          isBroken = false;
          throw new LayerUnavailableError("The connection broke.");
        }
        repetitions += 1;
        await repaired;
        return execute();
      });
      const actor = kind.get("a");
      isBroken = true;
      await actor.send(add);
      await until(() => repetitions > 0);
      await actor.send(add);
      repair();
      expect(await actor.ask(add)).to.equal(3);
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

    it("go without a turn to a partition of another node", async () => {
      const { kind, calls } = await watched(stage());
      // A node that joins may get no partition.
      while (kind.owned.size === partitions) await stage().node("account", account);
      const keys = Array.from({ length: 40 }, (_, index) => `key ${index}`);
      calls.length = 0;
      await Promise.all(keys.map((key) => kind.get(key).ask(add)));
      expect(calls).to.include("ship");
    });

    it("go without a turn once their partition is lost", async () => {
      let go = () => {};
      const free = new Promise<void>((resolve) => {
        go = resolve;
      });
      let isCommitting = false;
      const { kind, calls } = await watched(stage(), async ({ commits }, execute) => {
        isCommitting ||= commits.length > 0;
        if (commits.length > 0) await free;
        return execute();
      });
      const first = kind.get("a").ask(add);
      await until(() => isCommitting);
      const second = kind.get("a").send(add);
      const partition = kind.partitionOf("a");
      await kind.state.run(async (backend) => {
        const { owner = "" } = await backend.describe(partition);
        await backend.claim(partition, { node: "other", token: "other", version: 1, dead: [owner] });
      });
      go();
      await Promise.all([first, second]);
      expect(calls).to.include("ship");
      expect(await kind.get("a").ask(add)).to.equal(3);
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
