import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** What a process has open besides connections. */
const ownFiles = 100;

/** How many connections one process can have: Node raises its own limit of open files as far as the system lets it. */
export async function mostConnections(): Promise<number> {
  const { stdout } = await promisify(execFile)("sh", ["-c", "ulimit -Hn"]);
  return stdout.trim() === "unlimited" ? Number.POSITIVE_INFINITY : Number(stdout) - ownFiles;
}
