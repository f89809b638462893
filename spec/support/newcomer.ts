import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type CodeBlock, codeBlocks } from "./code-blocks.ts";
import { Terminal } from "./terminal.ts";

/** npm uses its cache, and prints nothing about the machine. */
const quick = { npm_config_prefer_offline: "true", npm_config_loglevel: "error" };

/** The replacements in the texts of pages, such as other ports or another source of a package. */
export type Replacements = Readonly<Record<string, string>>;

/**
 * Follows pages of a tutorial to the letter, in a folder: writes the files, runs the commands, types the
 * input, and checks the output.
 *
 * - A block of commands that begins with a comment, `# Ann`, runs in the terminal `Ann`, and replaces the
 *   command that runs there. Each other block of commands must end by itself, with success.
 * - `# Ann: Ctrl+C` ends the command in that terminal, `# Ann: kill -9` kills it. Terminals in `leavesOut`
 *   are skipped.
 * - A block of text is output: of the last command or, after `# Ann`, the next output of that terminal. The
 *   lines are compared. A line `> hello` is typed. `…` matches any text in a line. A line that is only `…`
 *   matches any number of lines.
 */
export class Newcomer {
  readonly #replacements: ReadonlyMap<string, string>;
  readonly #leavesOut: ReadonlySet<string>;
  readonly #terminals = new Map<string, Terminal>();
  #folder: string;
  #last: Terminal | undefined;

  /** @param leavesOut terminals whose commands the spec runs itself. */
  constructor(folder: string, replacements: Replacements, leavesOut: readonly string[] = []) {
    this.#folder = folder;
    this.#replacements = new Map(Object.entries(replacements));
    this.#leavesOut = new Set(leavesOut);
  }

  async follow(page: string): Promise<void> {
    for (const block of codeBlocks(this.#replace(page))) await this.#do(block);
  }

  /** Applies the replacements to `said`, such as an address of the page with the port 8080. */
  readingOf(said: string): string {
    return this.#replace(said);
  }

  async leave(): Promise<void> {
    await Promise.all([...this.#terminals.values()].map((terminal) => terminal.end("SIGKILL")));
  }

  #replace(text: string): string {
    // Replaces all in one pass, so that a replacement is not replaced again.
    const said = new RegExp([...this.#replacements.keys()].map(literally).join("|"), "g");
    return text.replace(said, (found) => this.#replacements.get(found) ?? found);
  }

  async #do({ language, code, file }: CodeBlock): Promise<void> {
    if (file !== undefined) return writeFile(join(this.#folder, file), code);
    const [, name, what] = /^# ([^:\n]+)(?:: (.+))?\n/.exec(code) ?? [];
    if (name !== undefined && this.#leavesOut.has(name)) return;
    if (language === "text") return this.#read(name === undefined ? this.#last : this.#terminal(name), code);
    if (language !== "sh") throw new Error(`A block of ${language} names no file:\n${code}`);
    if (name === undefined) return this.#run(code);
    await this.#terminals.get(name)?.end(what === "kill -9" ? "SIGKILL" : "SIGINT");
    if (what === undefined) this.#terminals.set(name, this.#begin(code));
  }

  async #run(commands: string): Promise<void> {
    const terminal = this.#begin(commands);
    const { code } = await terminal.ended;
    if (code !== 0) throw new Error(`This failed:\n${commands}${terminal.printed}`);
    const [, folder = ""] = /\bcd (\S+)/.exec(commands) ?? [];
    this.#folder = resolve(this.#folder, folder);
  }

  #begin(commands: string): Terminal {
    // Within an npm script, npm would use the folder of that outer script.
    const { npm_config_local_prefix: _prefix, PORT: _port, REDIS_URL: _url, ...env } = process.env;
    this.#last = new Terminal(commands, this.#folder, { ...env, ...quick });
    return this.#last;
  }

  #terminal(name: string): Terminal {
    const terminal = this.#terminals.get(name);
    if (terminal === undefined) throw new Error(`Nothing runs in the terminal "${name}".`);
    return terminal;
  }

  async #read(terminal: Terminal | undefined, text: string): Promise<void> {
    if (terminal === undefined) throw new Error(`Nothing has been started that would print:\n${text}`);
    let mayBeMore = false;
    for (const line of text.trimEnd().split("\n")) {
      if (line.startsWith("# ")) continue;
      if (line.startsWith("> ")) terminal.type(line.slice(2));
      else if (line === "…") mayBeMore = true;
      else {
        await expectLine(terminal, line, mayBeMore);
        mayBeMore = false;
      }
    }
  }
}

const literally = (text: string) => text.replace(/[$()*+.?[\\\]^{|}]/g, "\\$&");

/** The time limit for the next line of a terminal, in milliseconds: a lot is open for a minute. */
const patienceMs = 90_000;

async function nextLine(terminal: Terminal): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const noMore = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, patienceMs, undefined);
  });
  try {
    return await Promise.race([terminal.next(), noMore]);
  } finally {
    clearTimeout(timer);
  }
}

async function expectLine(terminal: Terminal, expected: string, mayBeMore: boolean): Promise<void> {
  const pattern = new RegExp(`^${expected.split("…").map(literally).join(".*")}$`);
  for (;;) {
    const line = await nextLine(terminal);
    if (line !== undefined && pattern.test(line)) return;
    if (line === undefined || !mayBeMore) {
      throw new Error(`The page says "${expected}", and this is printed:\n${terminal.printed}`);
    }
  }
}
