// Runs a program of the demo several times in one process, for demo-process.ts. The runs share the imported
// modules, because a process spends most of its time loading modules.
const { program, runs } = JSON.parse(process.argv[2] ?? "") as {
  readonly program: string;
  readonly runs: readonly (readonly [words: readonly string[], settings: Readonly<Record<string, string>>])[];
};

/** Thrown instead of ending the process. */
class Exit extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super("exit");
    this.exitCode = exitCode;
  }
}

const { exit, env, stdout, stderr } = process;
const write = stdout.write.bind(stdout);
process.exit = (code) => {
  throw new Exit(Number(code ?? 0));
};

for (const [index, [words, settings]] of runs.entries()) {
  const ended = { code: 0, printed: "", said: "" };
  process.argv.splice(2, process.argv.length, ...words);
  process.env = { ...env, ...settings };
  const keep = (output: "printed" | "said") => (text: string | Uint8Array) => {
    ended[output] += text;
    return true;
  };
  stdout.write = keep("printed");
  stderr.write = keep("said");
  await import(`${program}?${index}`).catch((error) => {
    if (!(error instanceof Exit)) throw error;
    ended.code = error.exitCode;
  });
  write(`${JSON.stringify(ended)}\n`);
}
exit(0);
