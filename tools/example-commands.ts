// The commands in the README of an example.

/**
 * The commands of the `sh` block that installs the packages and runs the test, without their comments.
 *
 * @throws {Error} if the README does not contain exactly one such block.
 */
export function commandsOf(readme: string): string[] {
  const blocks = [...readme.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, code = ""]) =>
    code
      .split("\n")
      .map((line) => line.replace(/(?:^|\s+)#.*$/, "").trim())
      .filter(Boolean),
  );
  const [commands, ...others] = blocks.filter(
    (lines) => lines.includes("npm install") && lines.includes("npm test"),
  );
  if (commands === undefined || others.length > 0)
    throw new Error('The README needs exactly one "sh" block with the lines "npm install" and "npm test".');
  return commands;
}
