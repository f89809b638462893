/** How many lines of a difference are shown. */
const most = 20;

/** The lines from the first to the last difference: `-` is in `found`, `+` in `expected`. */
export function difference(found: string, expected: string): string {
  const there = found.split("\n");
  const wanted = expected.split("\n");
  let first = 0;
  while (first < there.length && there[first] === wanted[first]) first += 1;
  let last = 0;
  while (last < Math.min(there.length, wanted.length) - first && there.at(-1 - last) === wanted.at(-1 - last))
    last += 1;
  const lines = [
    ...there.slice(first, there.length - last).map((line) => `- ${line}`),
    ...wanted.slice(first, wanted.length - last).map((line) => `+ ${line}`),
  ];
  const shown =
    lines.length > most ? [...lines.slice(0, most), `… ${lines.length - most} more lines`] : lines;
  return [`line ${first + 1}:`, ...shown].map((line) => `    ${line}`).join("\n");
}
