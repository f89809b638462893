// One measurement, in a process of its own: `worker.ts spawning <name> <count>` or `worker.ts messaging <name> <count>`.
import { type CarrierName, measureMessaging } from "./messaging.ts";
import { type FactoryName, measureSpawning } from "./spawning.ts";

const [, , what, name = "", count = "0"] = process.argv;
const figures =
  what === "spawning"
    ? await measureSpawning(name as FactoryName, Number(count))
    : await measureMessaging(name as CarrierName, Number(count));
process.stdout.write(JSON.stringify(figures));
