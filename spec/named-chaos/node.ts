// A process that runs the counters, and increments them. Its argument is a `NodeSettings` as JSON. Prints:
//
//     ready
//     acked <increments by key, as JSON: [key, n][]>    the store has acknowledged these increments
//     unknown <key> <n>                                 it is not known whether the store has the increment
//     refused <key> <n>                                 the store certainly lacks the increment
//     named <event of `greenroom:named` as JSON>
//     error <text>
//     sent                                              after SIGUSR2: no increment is under way any more
//
// SIGTERM ends it with a drain.
import { subscribe } from "node:diagnostics_channel";
import { setTimeout as pause } from "node:timers/promises";
import { createRuntime } from "../../index.ts";
import { OutcomeUnknownError } from "../../named/errors.ts";
import { counterKey, layerOf, mailbox, type Place } from "./kinds.ts";
import { alarmMachine, counterMachine, mirrorMachine } from "./machines.ts";

export interface NodeSettings {
  readonly place: Place;
  /** The name of the sender. */
  readonly name: string;
  /** The number of counters. */
  readonly keys: number;
  /** The number of increments that are under way at a time. 0 for a process that sends nothing. */
  readonly inFlight: number;
  /** The pause of each increment before the next one, in milliseconds. */
  readonly pauseMs: number;
}

const settings = JSON.parse(process.argv[2] ?? "{}") as NodeSettings;
const { place, name, keys, inFlight, pauseMs } = settings;
const print = (word: string, ...rest: unknown[]) =>
  void process.stdout.write(`${[word, ...rest.map((part) => JSON.stringify(part))].join(" ")}\n`);

const onError = (error: unknown) => print("error", String(error));
const runtime = createRuntime({ layers: { state: layerOf(place, onError) }, onError });
subscribe("greenroom:named", (event) => print("named", { ...(event as object), runtime: undefined }));

const { partitions } = place;
const counters = runtime.named("counter", counterMachine, { partitions, mailbox, input: (key) => ({ key }) });
runtime.named("mirror", mirrorMachine, { partitions, mailbox });
runtime.named("alarm", alarmMachine, { partitions, mailbox });

let isSending = inFlight > 0;
let acked: [key: number, n: number][] = [];
const numbers = new Map<number, number>();
let next = 0;

/** Prints the acknowledgements of one turn of the event loop before anything else happens. */
function acknowledge(key: number, n: number): void {
  if (acked.length === 0) {
    process.nextTick(() => {
      print("acked", acked);
      acked = [];
    });
  }
  acked.push([key, n]);
}

async function send(): Promise<void> {
  while (isSending) {
    const key = next % keys;
    next += 1;
    const n = (numbers.get(key) ?? 0) + 1;
    numbers.set(key, n);
    try {
      await counters.get(counterKey(key)).send({ type: "add", from: name, n });
      acknowledge(key, n);
    } catch (error) {
      print(error instanceof OutcomeUnknownError ? "unknown" : "refused", key, n);
      onError(error);
    }
    if (pauseMs > 0) await pause(pauseMs);
  }
}

await runtime.ready();
print("ready");
const sending = Promise.all(Array.from({ length: inFlight }, send));

process.on("SIGUSR2", async () => {
  isSending = false;
  await sending;
  print("sent");
});
process.once("SIGTERM", async () => {
  isSending = false;
  await sending;
  await runtime.close();
  process.exit(0);
});
