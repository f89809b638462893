import { setTimeout as pause } from "node:timers/promises";
import { until } from "../layers/support/until.ts";
import { Auditor } from "./auditor.ts";
import { Crew } from "./crew.ts";
import type { Place } from "./kinds.ts";

/** The calm between two faults, in milliseconds. */
const calmMs = 2_000;

export interface CounterTrial {
  readonly keys: number;
  readonly increments: number;
}

/** Increments counters under all faults but a failover, in turn. @returns the figures @throws if an increment is wrong */
export async function faultsOfCounters(
  place: Place & { readonly redis: { readonly url: string } },
  trial: CounterTrial,
  restart: () => Promise<void>,
): Promise<string> {
  return withCounters(place, trial, async (crew) => {
    const faults: readonly ((round: number) => Promise<void>)[] = [
      (round) => crew.kill(round % 3),
      (round) => crew.freeze((round + 1) % 3),
      (round) => crew.drain((round + 2) % 3),
      () => crew.cut(place.redis.url),
      restart,
    ];
    let count = 0;
    while (crew.acked < trial.increments) {
      await faults[count % faults.length]?.(count);
      count += 1;
      await pause(calmMs);
    }
    return count;
  });
}

/** Increments counters before and after a failover. @returns the figures @throws if a loss was not reported */
export async function failoverOfCounters(
  place: Place,
  trial: CounterTrial,
  kill: () => Promise<unknown>,
): Promise<string> {
  return withCounters(place, trial, async (crew) => {
    await crew.more(trial.increments / 2);
    await kill();
    // Each process sends to each counter, and so notices each loss.
    await crew.eachMore(Math.max(trial.keys * 2, trial.increments / 6));
    return 1;
  });
}

async function withCounters(
  place: Place,
  { keys }: CounterTrial,
  work: (crew: Crew) => Promise<number>,
): Promise<string> {
  const crew = new Crew({ place, keys, inFlight: 128, pauseMs: 0 });
  const auditor = new Auditor(place);
  try {
    await crew.start();
    const from = performance.now();
    const faults = await work(crew);
    await crew.silence();
    const seconds = (performance.now() - from) / 1_000;
    await auditor.settled();
    const behind = performance.now() / 1_000 - from / 1_000 - seconds;
    const { acked, taken, lost, wrong } = await auditor.account(crew.senders, keys);
    const events = crew.senders.flatMap((sender) => sender.events.map(({ event }) => event));
    const count = (word: string) => events.filter((event) => event === word).length;
    if (wrong.length > 0) throw new Error(`${wrong.length} are wrong:\n${wrong.slice(0, 20).join("\n")}`);
    let lostInAll = 0;
    for (const sender of crew.senders) {
      const missing = lost.get(sender.name) ?? 0;
      lostInAll += missing;
      if (missing !== sender.lost)
        throw new Error(`${sender.name} misses ${missing} increments, and ${sender.lost} were reported.`);
    }
    return (
      `${acked} increments to ${keys} counters in ${seconds.toFixed(0)} s (${(acked / seconds).toFixed(0)}/s), ` +
      `${faults} faults, ${crew.senders.length} processes: ${taken} taken once and in order, ${lostInAll} lost and ` +
      `reported, ${count("rolled-back")} actors rolled back, ${count("dead-letter")} dead letters; ` +
      `the last was handled ${behind.toFixed(1)} s after the end`
    );
  } finally {
    await crew.stop();
    await auditor.close();
  }
}

/** Sets alarms, and waits until all have rung. @returns how late they were @throws if one did not ring once */
export async function ringAlarms(
  place: Place,
  { alarms, longestMs }: { readonly alarms: number; readonly longestMs: number },
  how: "undisturbed" | "kills" | "freezes",
): Promise<string> {
  const crew = new Crew({ place, keys: 0, inFlight: 0, pauseMs: 0 });
  const auditor = new Auditor(place);
  let isOver = false;
  const disturb = async () => {
    for (let round = 0; !isOver && how !== "undisturbed"; round += 1) {
      const next = pause(5_000);
      await (how === "kills" ? crew.kill(round % 3) : crew.freeze(round % 3));
      await next;
    }
  };
  try {
    await crew.start();
    await auditor.setAlarms(alarms, longestMs);
    const disturbing = disturb();
    await until(async () => {
      await pause(500);
      return (await auditor.openAlarms()) === 0;
    });
    isOver = true;
    await disturbing;
    const rings = (await auditor.alarms(alarms)).map((alarm) => alarm?.late ?? []);
    const wrong = rings.filter(({ length }) => length !== 1).length;
    if (wrong > 0) throw new Error(`${wrong} alarms did not ring once.`);
    const late = rings.flat().sort((one, other) => one - other);
    const at = (share: number) => late[Math.min(late.length - 1, Math.floor(late.length * share))];
    return `${alarms} alarms, ${how}: each rang once, ${at(0)} to ${at(1)} ms late, p50 ${at(0.5)}, p99 ${at(0.99)}`;
  } finally {
    isOver = true;
    await crew.stop();
    await auditor.close();
  }
}
