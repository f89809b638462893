import { fileURLToPath } from "node:url";
import { RemoteProcess } from "../remote-process.ts";
import type { Tasks } from "./tasks.ts";

/** A process of its own for one node. */
export class RemoteNode extends RemoteProcess<Tasks> {
  constructor() {
    super(fileURLToPath(new URL("node.ts", import.meta.url)));
  }
}
