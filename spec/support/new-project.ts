import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { type RunningProcess, startProcess } from "./child-process.ts";
import { projectWithPackage } from "./installed-package.ts";

const run = promisify(execFile);

/** A project that the built command has written. Its packages are installed in the folder above. */
export class NewProject {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Writes a project for each test runner. */
  static async write<N extends string>(...runners: readonly N[]): Promise<Record<N, NewProject>> {
    const bins = [".bin", "esbuild", "tsx", "typescript", "mocha", "vitest", "@types/node", "@types/mocha"];
    const { folder } = await projectWithPackage("ioredis", "zod", ...bins);
    const main = join(folder, "node_modules/greenroom/dist/node/cli.js");
    const projects = runners.map(async (runner) => {
      await run(process.execPath, [main, "init", `${runner}-chat`, "--test", runner], { cwd: folder });
      return [runner, new NewProject(join(folder, `${runner}-chat`))] as const;
    });
    return Object.fromEntries(await Promise.all(projects)) as Record<N, NewProject>;
  }

  /** Runs a script of `package.json`. @returns its output @throws with the output if it fails */
  async script(name: string): Promise<string> {
    const { stdout, stderr } = await run("npm", ["run", name], { cwd: this.folder, env: environment() });
    return stdout + stderr;
  }

  /** Starts a program of the project, on any port. `isReady` gets its lines. */
  async start(
    args: readonly string[],
    env: NodeJS.ProcessEnv,
    onLine: (line: string) => void = () => {},
  ): Promise<RunningProcess & { readonly url: string }> {
    let url = "";
    const isReady = (line: string) => {
      onLine(line);
      url ||= /^Open (http:\S+)$/.exec(line)?.[1] ?? "";
      return url !== "";
    };
    const all = { ...environment(), PORT: "0", ...env };
    const running = await startProcess(process.execPath, args, isReady, all, this.folder);
    return Object.assign(running, { url });
  }
}

/** The environment without settings of the outer npm and of the specs. */
function environment(): NodeJS.ProcessEnv {
  const { npm_config_local_prefix: _prefix, REDIS_URL: _url, NODE_ENV: _env, ...env } = process.env;
  return env;
}
