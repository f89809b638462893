import type { NamedActors } from "../../actors/index.ts";
import { createRuntime } from "../../index.ts";
import type { ChannelLayer } from "../../layers/channel-layer.ts";
import { until } from "../layers/support/until.ts";
import { type Account, compare } from "./account.ts";
import { alarmKey, counterKey, kinds, layerOf, mailbox, type Place } from "./kinds.ts";
import type { AlarmContext, CounterContext, MirrorContext } from "./machines.ts";
import type { Sender } from "./sender.ts";

/** Reads the counters and alarms without running them, and sets the alarms. */
export class Auditor {
  readonly #place: Place;
  readonly #layer: ChannelLayer;
  readonly #close: () => Promise<void>;
  readonly #kinds: Readonly<Record<(typeof kinds)[number], NamedActors>>;

  constructor(place: Place) {
    this.#place = place;
    this.#layer = layerOf(place, () => {});
    const runtime = createRuntime({ layers: { state: this.#layer }, onError: () => {} });
    this.#close = () => runtime.close();
    const { partitions } = place;
    const kind = (name: string): NamedActors => runtime.named(name, { partitions, mailbox });
    this.#kinds = { counter: kind("counter"), mirror: kind("mirror"), alarm: kind("alarm") };
  }

  close(): Promise<void> {
    return this.#close();
  }

  /** Resolves once no actor has messages, and no partition has entries in its outbox. */
  async settled(): Promise<void> {
    const { partitions } = this.#place;
    for (const kind of kinds) {
      for (let index = 0; index < partitions; index += 1) {
        await until(() =>
          this.#layer.state.run(async (backend) => {
            const { waiting, outbox } = await backend.describe({ kind, index });
            return waiting + outbox === 0;
          }),
        );
      }
    }
  }

  /** Compares the counters with what the senders know. */
  async account(senders: readonly Sender[], keys: number): Promise<Account> {
    const counters = await inParallel(keys, (index) =>
      this.#context<CounterContext>("counter", counterKey(index)),
    );
    const mirrors = await inParallel(keys, (index) =>
      this.#context<MirrorContext>("mirror", counterKey(index)),
    );
    return compare(senders, counters, mirrors);
  }

  /** Sets alarms with delays from 0 to `longestMs`. */
  async setAlarms(count: number, longestMs: number): Promise<void> {
    await inParallel(count, (index) => {
      const ms = Math.floor((longestMs * index) / count);
      return this.#kinds.alarm.get(alarmKey(index)).send({ type: "set", ms });
    });
  }

  alarms(count: number): Promise<readonly (AlarmContext | undefined)[]> {
    return inParallel(count, (index) => this.#context<AlarmContext>("alarm", alarmKey(index)));
  }

  /** The number of partitions of alarms that have a deadline, or messages. */
  async openAlarms(): Promise<number> {
    const open = await inParallel(this.#place.partitions, (index) =>
      this.#layer.state.run(async (backend) => {
        const { nextDeadline, waiting } = await backend.describe({ kind: "alarm", index });
        return nextDeadline === undefined && waiting === 0 ? 0 : 1;
      }),
    );
    return open.reduce<number>((sum, one) => sum + one, 0);
  }

  async #context<T>(kind: (typeof kinds)[number], key: string): Promise<T | undefined> {
    const exported = await this.#kinds[kind].export(key);
    const { state } = Object(exported?.machine) as { readonly state?: { readonly context: T } };
    return state?.context;
  }
}

async function inParallel<T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const index = next;
      next += 1;
      results[index] = await work(index);
    }
  };
  await Promise.all(Array.from({ length: 64 }, worker));
  return results;
}
