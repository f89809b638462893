import type { Metrics } from "greenroom/metrics";

/** The values of a scrape by their names with labels: `greenroom_dropped_total{reason="slow"}`. */
export async function scrape({ register }: Pick<Metrics, "register">): Promise<Record<string, number>> {
  return valuesOf(await register.metrics());
}

export function valuesOf(text: string): Record<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return Object.fromEntries(lines.map((line) => [beforeSpace(line), Number(line.split(" ").at(-1))]));
}

const beforeSpace = (line: string): string => line.slice(0, line.lastIndexOf(" "));
