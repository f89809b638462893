import { readFile, writeFile } from "node:fs/promises";
import { Failure } from "./failure.ts";

/** Compares a file with the text that it should have. @returns the text to print. @throws {Failure} */
export async function checkFile(file: string, expected: string): Promise<string> {
  const found = await read(file);
  if (found === expected) return `${file} is up to date.\n`;
  const lines = difference(found, expected).trimStart();
  throw new Failure(`${file} is out of date, from ${lines}`);
}

/** Reads a file. Converts line ends to `\n`, because Git may have changed them. */
export async function read(file: string): Promise<string> {
  try {
    return (await readFile(file, "utf8")).replaceAll("\r\n", "\n");
  } catch (error) {
    throw new Failure(`${file} could not be read: ${(error as Error).message}`);
  }
}

export async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (error) {
    throw new Failure(`${file} could not be written: ${(error as Error).message}`);
  }
}

const maxLines = 20;

/** The lines of `found` that differ from `expected`, and those that replace them. */
export function difference(found: string, expected: string): string {
  const before = found.split("\n");
  const after = expected.split("\n");
  let first = 0;
  while (first < before.length && before[first] === after[first]) first += 1;
  let last = 0;
  while (last < Math.min(before.length, after.length) - first && before.at(-1 - last) === after.at(-1 - last))
    last += 1;
  const lines = [
    ...before.slice(first, before.length - last).map((line) => `- ${line}`),
    ...after.slice(first, after.length - last).map((line) => `+ ${line}`),
  ];
  const shown = lines.slice(0, maxLines);
  if (lines.length > maxLines) shown.push(`… ${lines.length - maxLines} more lines`);
  return [`line ${first + 1}:`, ...shown].map((line) => `    ${line}`).join("\n");
}
