import { createRuntime, MemoryLayer } from "../../index.ts";
import { dropReasons } from "../../layers/counters.ts";
import { RedisPubSubLayer, RedisStreamsLayer } from "../../layers/redis/index.ts";
import { CloseCode, comesBack } from "../../protocol/close-codes.ts";
import { countedLimits, type Limits, resolveLimits } from "../../runtime/limits/limits.ts";
import { bulletsOf } from "./docstring-of.ts";
import { errorTables } from "./error-tables.ts";
import { type Described, defaultsIn, formatDefault, propertiesOf } from "./read-options.ts";
import type { Row, Table } from "./update-table.ts";

/** Options of one type: the type, and the file whose code sets the defaults. */
interface Source {
  readonly file: string;
  readonly type: string;
  readonly defaults?: string;
  /** Precedes the names: `commandQueue.`. */
  readonly prefix?: string;
  /** Names that the table leaves out. */
  readonly except?: readonly string[];
}

/** The generated tables of each page in docs/reference, by name. */
export async function referenceTables(): Promise<Readonly<Record<string, Readonly<Record<string, Table>>>>> {
  return {
    "options.md": {
      runtime: optionTable({ file: "runtime/runtime-options.ts", type: "RuntimeOptions" }),
      consumer: optionTable(...ofConsumer),
      route: optionTable(
        { file: "runtime/routes/route-types.ts", type: "RouteOptions" },
        { file: "runtime/routes/route-types.ts", type: "ContractRouteOptions" },
      ),
      named: optionTable(
        { file: "named/kind-options.ts", type: "NamedCallerOptions", defaults: "named/kind-options.ts" },
        { file: "named/kind-options.ts", type: "NamedOptions", defaults: "named/kind-options.ts" },
      ),
      client: new Map([
        ...optionTable({
          file: "client/client.ts",
          type: "ConnectOptions",
          defaults: "client/connection.ts",
        }),
        // Of a type that depends on the contract.
        ["params", { cells: {}, text: "the path parameters of the contract" }],
      ]),
      compression: optionTable({
        file: "runtime/upgrade/compression.ts",
        type: "CompressionOptions",
        defaults: "runtime/upgrade/compression.ts",
      }),
    },
    "limits.md": { limits: limitTable() },
    "layer-options.md": {
      layers: optionTable({
        file: "layers/options.ts",
        type: "ChannelLayerOptions",
        defaults: "layers/jobs/job-queues.ts",
      }),
      memory: optionTable({
        file: "layers/memory/memory-layer.ts",
        type: "MemoryLayerOptions",
        defaults: "layers/memory/memory-layer.ts",
        except: ["prefix"],
      }),
      "memory-bus": optionTable(ofHistories, {
        file: "layers/memory/memory-bus.ts",
        type: "MemoryBusOptions",
        defaults: "layers/memory/memory-bus.ts",
      }),
      redis: optionTable(...ofRedis),
      consume: optionTable({
        file: "layers/jobs/consume-options.ts",
        type: "ConsumeOptions",
        defaults: "layers/jobs/job-queues.ts",
      }),
    },
    "layers.md": {
      capabilities: await capabilityTable(),
      "layer-counters": tableOf(propertiesOf("layers/counters.ts", "LayerCounters")),
      "layer-drops": tableOfNames(dropReasons, "layers/counters.ts", "DropReason"),
    },
    "counters.md": await counterTables(),
    "close-codes.md": { "close-codes": closeCodeTable() },
    "error-codes.md": await errorTables(),
  };
}

const settings = "runtime/consumer-settings.ts";
const options = "actors/consumer-options.ts";

const ofConsumer: readonly Source[] = [
  {
    file: "actors/consumer.ts",
    type: "Consumer",
    except: ["mailbox", "outbox", "limits", "supervision"],
  },
  { file: "actors/contract/contract-consumer.ts", type: "ContractConsumer", except: ["supervision"] },
  { file: options, type: "MailboxOptions", defaults: settings, prefix: "mailbox." },
  { file: options, type: "OutboxOptions", defaults: settings, prefix: "outbox." },
  { file: options, type: "ConnectionLimits", prefix: "limits." },
  { file: options, type: "SessionOptions", defaults: settings, prefix: "session." },
  { file: options, type: "Supervision", defaults: settings, prefix: "supervision." },
];

const ofHistories: Source = {
  file: "layers/history-limits.ts",
  type: "HistoryLimitOptions",
  defaults: "layers/history-limits.ts",
};

const ofRedis: readonly Source[] = [
  {
    file: "layers/redis/connection/server-options.ts",
    type: "RedisConnectionOptions",
    defaults: "layers/redis/connection/server-options.ts",
  },
  {
    file: "layers/redis/connection/pubsub-settings.ts",
    type: "PubSubOptions",
    defaults: "layers/redis/connection/pubsub-settings.ts",
    except: ["commandQueue", "probePrefix"],
  },
  {
    file: "layers/redis/connection/pubsub-settings.ts",
    type: "CommandQueueOptions",
    defaults: "layers/redis/connection/pubsub-settings.ts",
    prefix: "commandQueue.",
  },
  ofHistories,
  {
    file: "layers/redis/streams/streams-backend.ts",
    type: "StreamOptions",
    defaults: "layers/redis/streams/streams-backend.ts",
  },
];

/** A table with the defaults of options. */
function optionTable(...sources: readonly Source[]): Table {
  const rows = new Map<string, Row>();
  for (const { file, type, defaults, prefix = "", except = [] } of sources) {
    const ofCode = defaults === undefined ? new Map<string, string>() : defaultsIn(defaults);
    for (const { name, text, standard } of propertiesOf(file, type)) {
      if (except.includes(name)) continue;
      const cells = { default: defaultCell(`${type}.${name}`, standard, ofCode.get(name)) };
      rows.set(prefix + name, { cells, text });
    }
  }
  return rows;
}

/**
 * The cell of a default. A number, a text, a list or a truth value comes from the code or from `@default`, and the
 * page may add words to it. Another default is described by the page, or by `@default` if the row is new.
 *
 * @throws {Error} if the code and `@default` differ.
 */
export function defaultCell(name: string, standard: string | undefined, ofCode: string | undefined) {
  const described = standard === undefined ? undefined : formatDefault(standard);
  const [stated] = /^(?:`(?!\{\})[^`]+`|[\d,]*\d\b)/.exec(described ?? "") ?? [];
  if (stated !== undefined && ofCode !== undefined && stated !== ofCode) {
    throw new Error(`The default of ${name} is ${ofCode}, but its docstring says ${standard}.`);
  }
  const value = ofCode ?? stated;
  return (now: string): string => {
    if (value === undefined) return now === "" ? (described ?? "none") : now;
    return now.startsWith(value) && !/^[\d,]*\d/.test(now.slice(value.length)) ? now : value;
  };
}

/** The unit of a limit, if its name tells it. */
const unitOf = (name: string) =>
  name.endsWith("Ms") ? "ms" : /Bytes$|^maxPayload$/.test(name) ? "bytes" : undefined;

function limitTable(): Table {
  const defaults = resolveLimits({});
  const counted = new Set<string>(countedLimits);
  const rows = propertiesOf("runtime/limits/limits.ts", "Limits").map(({ name, text }): [string, Row] => {
    const unit = unitOf(name);
    const effect = (now: string) => {
      const other = now.replace(/;? ?counted$/, "");
      return counted.has(name) ? [other, "counted"].filter(Boolean).join("; ") : other;
    };
    const cells = {
      default: defaults[name as keyof Limits].toLocaleString("en-US"),
      "past the limit": effect,
      unit: (now: string) => (unit === undefined || now.includes(unit) ? now : unit),
    };
    return [name, { cells, text }];
  });
  return new Map(rows);
}

/** A table whose names are generated, and no other cells. */
const tableOf = (rows: readonly Pick<Described, "name" | "text">[]): Table =>
  new Map(rows.map(({ name, text }) => [name, { cells: {}, text }]));

/** The table of `names`, with the descriptions from the list in the docstring of a type. */
function tableOfNames(names: readonly string[], file: string, type: string): Table {
  const texts = bulletsOf(file, type);
  return tableOf(names.map((name) => ({ name, text: texts.get(name) ?? "" })));
}

async function capabilityTable(): Promise<Table> {
  const target = { url: "redis://localhost", prefix: "reference" };
  const layers = [new MemoryLayer(), new RedisPubSubLayer(target), new RedisStreamsLayer(target)];
  const names = propertiesOf("layers/backend.ts", "Capabilities");
  const rows = names.map(({ name, text }): [string, Row] => {
    const cells = layers.map((layer) => {
      const value = layer.capabilities[name as keyof typeof layer.capabilities];
      return [
        `\`${layer.constructor.name}\``,
        value === true ? "yes" : value === false ? "–" : `\`"${value}"\``,
      ];
    });
    return [name, { cells: Object.fromEntries(cells), text }];
  });
  await Promise.all(layers.map((layer) => layer.close()));
  return new Map(rows);
}

async function counterTables(): Promise<Readonly<Record<string, Table>>> {
  const runtime = createRuntime({ layers: { state: new MemoryLayer() } });
  const { dropped, refusals } = runtime.counters();
  await runtime.close();
  return {
    counters: tableOf(propertiesOf("runtime/counters.ts", "RuntimeCounters")),
    drops: tableOfNames(Object.keys(dropped), "runtime/counters.ts", "RuntimeDropReason"),
    refusals: tableOfNames(Object.keys(refusals), "runtime/refusal-cause.ts", "RefusalCause"),
    consumer: tableOf(propertiesOf("runtime/consumer-counts.ts", "ConsumerCounters")),
    named: tableOf([
      ...propertiesOf("named/context.ts", "NamedCounts"),
      ...propertiesOf("named/context.ts", "NamedCounters"),
    ]),
  };
}

/** The codes of the application, and those of refused sessions. */
const ranges = ["3300 to 3599", "4000 to 4999"];
const returns = { always: "yes", never: "no", "unless-bye": "unless `bye` came before" };

function closeCodeTable(): Table {
  const keys = [...Object.values(CloseCode).map(String), ...ranges];
  const rows = keys.map((key): [string, Row] => {
    const [first = 0, last = first] = key.split(" to ").map(Number);
    const answers = new Set<string>();
    for (let code = first; code <= last; code++) answers.add(returns[comesBack(code)]);
    const [answer = "", ...others] = answers;
    // A range with several answers is explained by the page.
    return [key, { cells: { "comes back": others.length === 0 ? answer : (now) => now }, text: "" }];
  });
  return new Map(rows);
}
