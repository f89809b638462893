import { connectionMachine } from "../actors/connection-machine.ts";
import { type FoundMachine, findMachines } from "../diagrams/index.ts";
import { loadModule, notExported } from "./load-module.ts";

/** The machines exported by module `file`; without `file`, the connection machine. @throws {Failure} */
export async function loadMachines(file: string | undefined): Promise<FoundMachine[]> {
  if (file === undefined) return [{ name: "connection", machine: connectionMachine }];
  const moduleExports = await loadModule(file);
  const found = findMachines(moduleExports);
  if (found.length > 0) return found;
  throw notExported(
    file,
    moduleExports,
    "state machine",
    "Export a machine or a class made by machineConsumer.",
  );
}
