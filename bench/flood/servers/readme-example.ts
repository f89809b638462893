import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { codeBlocks } from "../../../spec/support/code-blocks.ts";
import { freePort } from "../../../spec/support/free-port.ts";
import type { StartServer } from "../../fan-out/servers/room-server.ts";
import { floodLimits } from "./flood-limits.ts";

const root = new URL("../../../", import.meta.url);

/** The room chat of the project's README. Only its port is replaced, and the limits of a flood are added. */
export const start: StartServer = async () => {
  const readme = await readFile(new URL("README.md", root), "utf8");
  const code = codeBlocks(readme).find(({ language }) => language === "ts")?.code;
  if (!code?.includes("listen(8080)")) throw new Error("The README has no example that listens on 8080.");
  const port = await freePort();
  const folder = await mkdtemp(fileURLToPath(new URL(".tmp-flood-", root)));
  try {
    const file = `${folder}/chat.mts`;
    const limited = code.replace("createRuntime({", `createRuntime({ ...${JSON.stringify(floodLimits)},`);
    await writeFile(file, limited.replace("8080", `${port}`));
    // The server listens at once, because it has no host name to resolve.
    await import(file);
  } finally {
    await rm(folder, { recursive: true });
  }
  return port;
};
