import { run } from "./child-process.ts";

/** The installed Compose: version 2, or version 1 as Debian's docker-compose. */
export async function findCompose(): Promise<readonly [command: string, ...args: string[]] | undefined> {
  for (const [command, ...args] of [["docker", "compose"], ["docker-compose"]] as const) {
    const finds = run(command, [...args, "version"]).then(
      () => true,
      () => false,
    );
    if (await finds) return [command, ...args];
  }
  return undefined;
}
