import fc from "fast-check";
import { CloseCode } from "../../../protocol/close-codes.ts";
import { controlText } from "../../../protocol/control-frames.ts";
import type { Rules } from "./rules.ts";
import type { ModelSession } from "./session.ts";
import { Violation } from "./violation.ts";
import { World } from "./world.ts";

type Step = (world: World, pick: number) => unknown;

/** Each step, and its frequency. A step that is impossible in a state does nothing. */
const steps: Readonly<Record<string, readonly [frequency: number, step: Step]>> = {
  flow: [40, (world, pick) => world.flow(1 + (pick % 4))],
  send: [40, (world, pick) => world.send(pick)],
  broadcast: [20, (world, pick) => world.broadcast(pick)],
  publish: [16, (world) => world.publish()],
  loseHistory: [3, (world) => world.loseHistory()],
  lie: [1, (world, pick) => world.lie(pick)],
  connect: [20, (world) => world.connect()],
  deliverUp: [30, (world, pick) => world.deliverUp(recent(world, pick))],
  deliverDown: [30, (world, pick) => world.deliverDown(recent(world, pick))],
  begin: [20, (world, pick) => session(world, pick)?.begin()],
  settle: [20, (world, pick) => session(world, pick)?.settle()],
  serverAck: [14, (world, pick) => session(world, pick)?.ack()],
  clientAck: [14, (world) => world.client.ack()],
  cut: [16, (world, pick) => world.cut(world.sockets.at(-1), pick % 4, (pick >> 2) % 4)],
  clientGivesUp: [16, (world) => world.client.giveUp()],
  serverGivesUp: [4, (world, pick) => session(world, pick)?.giveUp(CloseCode.slow)],
  drain: [3, (world) => world.server.drain()],
  groupGap: [6, (world, pick) => session(world, pick)?.gap(`room ${pick % 3}`)],
  newControl: [4, (world, pick) => newControl(world, pick)],
  expire: [3, (world, pick) => apply(session(world, pick), (found) => world.server.expire(found))],
  forget: [1, (world, pick) => apply(over(world, pick), (found) => world.server.forget(found))],
  killServer: [2, (world) => world.killServer()],
  sendClosing: [1, (world) => world.sendClosing()],
  consumerCloses: [1, (world, pick) => session(world, pick)?.close(4000 + (pick % 2))],
  clientCloses: [2, (world) => world.client.state !== "closed" && world.client.close()],
  closeDeadline: [10, (world) => isClosing(world) && world.client.closeNow(true)],
  refuse: [2, (world, pick) => refuse(world, pick)],
  changeUser: [1, (world, pick) => changeUser(world, pick)],
  misbehave: [1, (world, pick) => world.misbehave(pick)],
};

const schedule = Object.entries(steps).flatMap(([name, [frequency, step]]) =>
  Array.from({ length: frequency }, () => ({ name, step })),
);

const stepOf = (number: number) => schedule[number % schedule.length] ?? { name: "nothing", step: () => {} };

const pickOf = (number: number): number => Math.floor(number / schedule.length);

/** A socket by its age: most often the newest, sometimes one that an end has given up. */
const recent = (world: World, pick: number): number =>
  world.sockets.length - 1 - ([0, 0, 0, 1, 1, 2][pick % 6] ?? 0);

const session = (world: World, pick: number): ModelSession | undefined => {
  const { alive } = world.server;
  return alive[alive.length - 1 - (pick % 8 === 0 ? 1 : 0)];
};

const over = (world: World, pick: number): ModelSession | undefined => {
  const ended = [...world.server.sessions.values()].filter(({ state }) => state === "over");
  return ended[pick % Math.max(1, ended.length)];
};

const apply = <T>(value: T | undefined, action: (value: T) => void): void => {
  if (value !== undefined) action(value);
};

const isClosing = (world: World): boolean => world.client.isClosing && world.client.state !== "closed";

const refuse = (world: World, pick: number): void => {
  world.server.refusal = pick % 4 === 0 ? 3401 : 3503;
  if (world.server.refusal === 3401) world.judge.hasRefused = true;
};

const changeUser = (world: World, pick: number): void => {
  world.client.user = pick % 2 === 0 ? "ada" : "grace";
  world.judge.hasChangedUser = true;
};

/** Either end sends a control frame that the other does not know yet. */
const newControl = (world: World, pick: number): void => {
  const text = controlText({ c: "beat" }).replace("beat", "new");
  if (pick % 2 === 0) session(world, pick)?.socket?.down.write(text);
  else if (world.client.state === "joined") world.client.socket?.up.write(text);
};

/** A run as numbers: each chooses a step and one of its variants. */
export const runs = fc.array(fc.nat({ max: 2 ** 24 }), { maxLength: 150, size: "max" });

/**
 * Plays a run to its end.
 *
 * @returns The promise that was broken; undefined if all were kept.
 */
export function play(run: readonly number[], rules: Rules): string | undefined {
  const world = new World(rules);
  try {
    for (const number of run) stepOf(number).step(world, pickOf(number));
    world.settle();
  } catch (error) {
    if (error instanceof Violation) return error.message;
    throw error;
  }
  return undefined;
}

/** All runs keep all promises. A failure names the promise and the steps, each with its variant. */
export const keepsPromises = (rules: Rules) =>
  fc.property(runs, (run) => {
    const promise = play(run, rules);
    if (promise === undefined) return;
    const steps = run.map((number) => `${stepOf(number).name} ${pickOf(number) % 8}`);
    throw new Error(`"${promise}" is broken by: ${steps.join(", ")}`);
  });
