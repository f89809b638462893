import fc from "fast-check";
import { judge } from "./judge.ts";
import { keys, World } from "./world.ts";

type Step = (world: World, pick: number) => unknown;

/** Each step, and its frequency. A step that is impossible in a state does nothing. */
const steps: Readonly<Record<string, readonly [frequency: number, step: Step]>> = {
  turns: [12, (world, pick) => world.time.turns(1 + (pick % 5))],
  advance: [12, (world, pick) => world.time.advance([10, 60, 200, 500, 3_000][pick % 5] ?? 10)],
  add: [24, (world, pick) => world.send(pick, "add")],
  ask: [10, (world, pick) => world.send(pick, "add", true)],
  later: [8, (world, pick) => world.send(pick, "later")],
  poison: [1, (world, pick) => world.send(pick, "poison")],
  fault: [16, (world, pick) => world.fault(pick)],
  start: [4, (world) => world.start()],
  crash: [3, (world, pick) => world.node(pick)?.state.kill()],
  freeze: [3, (world, pick) => world.node(pick)?.state.freeze()],
  thaw: [4, (world, pick) => world.node(pick)?.state.thaw()],
  drain: [2, (world, pick) => void world.node(pick)?.drain()],
  deafen: [3, (world, pick) => world.deafen(pick)],
  lose: [3, (world, pick) => toggleDeaf(world, pick)],
};

const rollBack: readonly [number, Step] = [3, (world, pick) => world.rollBack(pick)];

function toggleDeaf(world: World, pick: number): void {
  const state = world.node(pick)?.state;
  state?.lose(!state.isDeaf);
}

export interface Run {
  readonly seed: number;
  readonly steps: readonly (readonly [name: string, pick: number])[];
}

const namesOf = (table: Readonly<Record<string, readonly [number, Step]>>) =>
  Object.entries(table).map(([name, [weight]]) => ({ weight, arbitrary: fc.constant(name) }));

const runsOf = (table: Readonly<Record<string, readonly [number, Step]>>, maxLength: number) =>
  fc.record({
    seed: fc.nat(),
    steps: fc.array(fc.tuple(fc.oneof(...namesOf(table)), fc.nat({ max: 1_000 })), { maxLength }),
  });

/** Runs in which the store loses nothing. */
export const runs = (maxLength: number): fc.Arbitrary<Run> => runsOf(steps, maxLength);
/** Runs in which the store is rolled back now and then. */
export const lossyRuns = (maxLength: number): fc.Arbitrary<Run> => runsOf({ ...steps, rollBack }, maxLength);

/** Plays a run to its end. @returns the promise that is broken, if any */
export async function play(run: Run): Promise<string | undefined> {
  const world = new World();
  world.time.install(run.seed);
  try {
    world.start();
    world.start();
    await world.time.turns(4);
    for (const [name, pick] of run.steps) {
      await (name === "rollBack" ? rollBack : steps[name])?.[1](world, pick);
      await world.time.turns(pick % 3);
    }
    const left = await world.heal();
    if (left !== undefined) return `something is left: ${left}`;
    if (world.rolledBack > 0) {
      // The next messages show to their senders what the store has lost.
      for (const node of world.alive) for (const key of keys) world.sendTo(node, key, "add", false);
      const more = await world.heal();
      if (more !== undefined) return `something is left: ${more}`;
    }
    return await judge(world);
  } finally {
    await world.close();
    await world.time.turns(2);
    world.time.uninstall();
  }
}

export const keepsPromises = (arbitrary: fc.Arbitrary<Run>) =>
  fc.asyncProperty(arbitrary, async (run) => {
    const broken = await play(run);
    if (broken !== undefined) throw new Error(broken);
  });
