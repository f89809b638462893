import type { ConsumerClass } from "../runtime/consumer-settings.ts";
import type { ItemKind, Meter } from "../runtime/instruments.ts";
import { Distribution } from "./distribution.ts";
import type { Sample } from "./scraped-metric.ts";

/** The maximum number of types of one consumer, because other nodes can send messages of any type. */
const maxTypes = 100;
const other = "other";

type TimesByType = Map<string, Distribution>;
type TimesByKind = Map<ItemKind, TimesByType>;

/** Collects the times of the handlers and mailboxes of a runtime, by the names of the consumer classes. */
export class RuntimeMeter implements Meter {
  readonly #handlers = new Map<string, TimesByKind>();
  readonly #waits = new Map<string, Distribution>();

  handled(
    Consumer: ConsumerClass,
    kind: ItemKind,
    type: string | undefined,
    ms: number,
    count: number,
  ): void {
    const kinds = getOrAdd(this.#handlers, Consumer.name, () => new Map<ItemKind, TimesByType>());
    const types = getOrAdd(kinds, kind, () => new Map<string, Distribution>());
    const label = type ?? (kind === "message" ? other : "");
    const known = types.has(label) || types.size < maxTypes ? label : other;
    getOrAdd(types, known, () => new Distribution()).observe(ms / count, count);
  }

  waited(Consumer: ConsumerClass, ms: number): void {
    getOrAdd(this.#waits, Consumer.name, () => new Distribution()).observe(ms);
  }

  handlerTimes(name: string): Sample[] {
    return [...this.#handlers].flatMap(([consumer, kinds]) =>
      [...kinds].flatMap(([kind, types]) =>
        [...types].flatMap(([type, times]) => times.samples(name, { consumer, kind, type })),
      ),
    );
  }

  waits(name: string): Sample[] {
    return [...this.#waits].flatMap(([consumer, times]) => times.samples(name, { consumer }));
  }
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const value = create();
  map.set(key, value);
  return value;
}
