import type { Dialect } from "../rows.ts";
import { Connection } from "./connection.ts";

/** Connections that are opened, and closed at once. */
export interface Churn {
  readonly port: number;
  readonly dialect: Dialect;
  readonly connections: number;
  /** How many of them there are at any time. */
  readonly atOnce: number;
}

/** Opens and closes them. @returns the seconds that it took. */
export async function churn({ port, dialect, connections, atOnce }: Churn): Promise<number> {
  const from = performance.now();
  let begun = 0;
  const work = async () => {
    while (begun < connections) {
      begun += 1;
      const connection = await Connection.open(port, dialect, "first=0&count=1");
      await connection.close();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return (performance.now() - from) / 1_000;
}
