import { fileURLToPath } from "node:url";
import { bundled } from "../../support/bundled.ts";
import { type RunningProcess, startProcess } from "../../support/child-process.ts";

const program = fileURLToPath(new URL("fragments-target.ts", import.meta.url));

/** Starts `fragments-target.ts` in a process of its own. @param heapMegabytes the limit of its heap */
export async function startFragmentsServer(
  heapMegabytes: number,
  options: object = {},
): Promise<{ readonly target: RunningProcess; readonly url: string }> {
  let url = "";
  const flags = [`--max-old-space-size=${heapMegabytes}`, "--expose-gc"];
  const args = [...flags, await bundled(program), JSON.stringify(options)];
  const target = await startProcess(process.execPath, args, (line) => {
    if (line.startsWith("http:")) url = line;
    return line.startsWith("http:");
  });
  return { target, url };
}
