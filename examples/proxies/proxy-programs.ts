import { accessSync, constants, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A reverse proxy, with the files of its configuration in this folder. */
export interface ProxyProgram {
  readonly name: string;
  readonly files: readonly string[];
  /** The arguments that run it in the foreground with the files in `folder`. */
  args(folder: string): readonly string[];
}

export const proxyPrograms: readonly ProxyProgram[] = [
  {
    name: "nginx",
    files: ["nginx-main.conf", "nginx.conf"],
    args: (folder) => ["-p", folder, "-c", "nginx-main.conf", "-e", "stderr"],
  },
  {
    name: "caddy",
    files: ["Caddyfile"],
    args: (folder) => ["run", "--adapter", "caddyfile", "--config", join(folder, "Caddyfile")],
  },
  {
    name: "haproxy",
    files: ["haproxy.cfg"],
    args: (folder) => ["-W", "-db", "-f", join(folder, "haproxy.cfg")],
  },
];

/** The ports in the configurations: of the proxy, and of the two servers. */
const written = ["8000", "8080", "8081"];

/** Writes the configuration into `folder`, with the ports of the proxy and of the servers. */
export function writeConfiguration(program: ProxyProgram, folder: string, ports: readonly number[]): void {
  mkdirSync(folder, { recursive: true });
  for (const file of program.files) {
    const text = readFileSync(new URL(file, import.meta.url), "utf8");
    const replaced = text.replace(/(?<=[: ])\d{4}\b/g, (port) => `${ports[written.indexOf(port)] ?? port}`);
    writeFileSync(join(folder, file), replaced);
  }
}

/** Returns the path of an installed program. Debian keeps servers in /usr/sbin, which may not be in the PATH. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(":"), "/usr/sbin"];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
