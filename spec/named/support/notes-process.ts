// A process that runs notes. Its arguments are the address of Redis and the prefix. Prints `ready`, and ends at
// SIGTERM.
import { startNotes } from "./notes.ts";

const [url = "", prefix = ""] = process.argv.slice(2);
// Printed before the first step, which may end the process.
process.stdout.write("ready\n");
const node = startNotes({ url, prefix });
process.once("SIGTERM", () => void node.close());
