import type { StateNodes, StateSuite } from "./state/fixture.ts";
import { describeMailboxes } from "./state/mailboxes.ts";
import { describeMembers } from "./state/members.ts";
import { describeOutboxes } from "./state/outboxes.ts";
import { describeOwnership } from "./state/ownership.ts";
import { describeShippingTurns } from "./state/shipping-turns.ts";
import { describeStoredActors } from "./state/stored-actors.ts";
import { describeTurns } from "./state/turns.ts";

export type { StateNodes } from "./state/fixture.ts";

/**
 * Registers the conformance suite of a `StateBackend`. Each case has a kind of its own.
 *
 * @param create connects two nodes to one store. Called more than once: the nodes of each call may share a store with
 *   the others. The suite opens and closes the nodes.
 */
export function describeState(name: string, create: () => Promise<StateNodes>): void {
  let nodes: StateNodes;

  async function start(): Promise<StateNodes> {
    const started = await create();
    await Promise.all([started.one.open(), started.two.open()]);
    return started;
  }

  async function stop({ one, two, close }: StateNodes): Promise<void> {
    await Promise.all([one.close(), two.close()]);
    await close?.();
  }

  const suite: StateSuite = {
    get one() {
      return nodes.one;
    },
    get two() {
      return nodes.two;
    },
    async advance(ms) {
      if (nodes.advance === undefined) await new Promise((resolve) => setTimeout(resolve, ms));
      else await nodes.advance(ms);
    },
    async fresh(use) {
      const started = await start();
      try {
        await use(started);
      } finally {
        await stop(started);
      }
    },
  };

  describe(`${name} as a store of named actors`, () => {
    before(async () => {
      nodes = await start();
    });
    after(() => stop(nodes));
    describeMembers(suite);
    describeOwnership(suite);
    describeMailboxes(suite);
    describeTurns(suite);
    describeShippingTurns(suite);
    describeOutboxes(suite);
    describeStoredActors(suite);
  });
}
