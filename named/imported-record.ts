import type { ExportedActor } from "../actors/index.ts";
import { SnapshotError } from "../actors/index.ts";
import { type Behaviour, migrated } from "./kind-options.ts";
import { MachineRun } from "./machine/machine-run.ts";
import type { ActorRecord } from "./records.ts";

/**
 * Returns the record of an exported actor, migrated to the machine of `behaviour`. Without a machine, the record is
 * not checked.
 *
 * @param now returns the time, in milliseconds
 * @throws {SnapshotError}
 */
export function importedRecord(
  ofKind: string,
  exported: ExportedActor,
  behaviour: Behaviour | undefined,
  now: () => number,
): ActorRecord {
  const { format, kind, version, machine } = Object(exported) as Partial<ExportedActor>;
  if (format !== 1 || typeof version !== "number")
    throw new SnapshotError("This is not an exported named actor: save it with export(key).");
  if (kind !== ofKind)
    throw new SnapshotError(`The exported actor is of the kind "${kind}", not "${ofKind}".`);
  const record: ActorRecord = { v: version, m: machine as unknown as ActorRecord["m"] };
  if (behaviour === undefined) return record;
  const m = migrated(record.m, version, behaviour);
  if (m.state.status === "done") return { v: behaviour.version, m, u: now() + behaviour.keepMs };
  const run = MachineRun.restore(behaviour.machine, m, {
    now,
    onChild: () => {},
    onActionError: () => {},
  });
  const view = behaviour.view?.(run.snapshot);
  run.stop();
  return { v: behaviour.version, m, ...(view !== undefined && { w: view }) };
}
