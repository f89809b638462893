import { sink } from "./machine.ts";
import { keys, type Sent, type World } from "./world.ts";

/** Returns the first broken promise of a run whose troubles are over. Undefined if all are kept. */
export async function judge(world: World): Promise<string | undefined> {
  const reports = world.nodes.reduce((sum, { events }) => sum + events.filter(isLoss).length, 0);
  const dead = new Set(await world.dead());
  const { told } = await world.logOf(sink);
  const canReport = await world.canReport();
  const noted = new Set(world.nodes.flatMap((node) => node.noted));
  for (const key of keys) {
    const { log } = await world.logOf(key);
    if (new Set(log).size < log.length) return `an entry of "${key}" is there twice: ${log}`;
    const sent = world.sent.filter((one) => one.key === key);
    const broken = orderIn(log, sent) ?? outcomesIn(log, sent, dead, world, reports);
    if (broken !== undefined) return broken;
    // A message that was loaded in several processes that died is set aside, also if another one is to blame.
    const expected = log.map((id, index) => `${key} ${index + 1} ${id}`).filter((entry) => !dead.has(entry));
    const found = told.filter((entry) => entry.startsWith(`${key} `));
    if (world.rolledBack === 0 && `${found}` !== `${expected}`)
      return `the effects of "${key}" are ${found}, and its log is ${log}`;
    // A step that the store has lost is done again, and its effect may have been under way. The owner reports it.
    if (world.rolledBack > 0 && (reports > 0 || !canReport)) continue;
    if (new Set(found).size < found.length) return `an effect of "${key}" is there twice: ${found}`;
    if (world.rolledBack > 0 && `${found}` !== `${expected}`)
      return `without a report, the effects of "${key}" are ${found}, and its log is ${log}`;
    if (world.rolledBack > 0) continue;
    for (const entry of noted) {
      if (entry.startsWith(`${key} `) && !log.includes(entry.slice(key.length + 1)))
        return `the custom action of "${entry}" has run, and its step is not stored`;
    }
  }
  if (world.rolledBack === 0 && reports > 0) return "a loss is reported, and the store has lost nothing";
  return undefined;
}

const isLoss = ({ event }: { readonly event: string }) => event === "lost" || event === "rolled-back";

/** Messages of one node to one key are handled in the order of the calls. Delays end in the order of their times. */
function orderIn(log: readonly string[], sent: readonly Sent[]): string | undefined {
  const byId = new Map(sent.map((one) => [one.id, one]));
  const last = new Map<string, number>();
  for (const id of log) {
    const one = byId.get(id);
    if (one === undefined) return `nobody has sent ${id}`;
    if (one.type !== "add") continue;
    if ((last.get(one.node.name) ?? 0) > one.number) return `${id} is out of order: ${log}`;
    last.set(one.node.name, one.number);
  }
  return undefined;
}

function outcomesIn(
  log: readonly string[],
  sent: readonly Sent[],
  dead: ReadonlySet<string>,
  world: World,
  reports: number,
): string | undefined {
  for (const { id, key, node, type, outcome, answer } of sent) {
    const at = log.indexOf(id);
    if (type === "later" && at < 0 && dead.has(`a delay of ${key}`)) continue;
    if (outcome === "not stored" && (at >= 0 || dead.has(id))) return `${id} was not stored, and is handled`;
    if (outcome === "stored" && at < 0 && !dead.has(id)) {
      if (type === "poison" && world.rolledBack > 0) continue;
      // Only the sender can notice that its messages are lost.
      const isExcused = world.rolledBack > 0 && (reports > 0 || !node.isAlive);
      if (!isExcused) return `${id} was stored, and is lost`;
    }
    if (answer !== undefined && answer !== at + 1 && world.rolledBack === 0)
      return `the answer to ${id} was ${answer}, and its entry is number ${at + 1}`;
  }
  return undefined;
}
