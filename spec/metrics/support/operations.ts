import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

/** The path of a file in `operations/`. */
export const operationsFile = (name: string): string =>
  fileURLToPath(new URL(`../../../operations/${name}`, import.meta.url));

export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
}

export async function alertRules(): Promise<readonly AlertRule[]> {
  const { groups } = parse(await readFile(operationsFile("alerts.yml"), "utf8"));
  return groups.flatMap(({ rules }: { readonly rules: readonly AlertRule[] }) => rules);
}

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets: readonly { readonly expr: string }[];
  }[];
}

/** The expressions of the dashboard, with a duration in place of Grafana's variable. */
export async function dashboardExpressions(): Promise<readonly string[]> {
  const { panels } = JSON.parse(await readFile(operationsFile("dashboard.json"), "utf8")) as Dashboard;
  return panels.flatMap(({ targets }) => targets.map(({ expr }) => expr.replace("$__rate_interval", "5m")));
}

/** The metrics that an expression reads, and the labels that it names. */
export function namedIn(expr: string): { readonly metrics: string[]; readonly labels: string[] } {
  const metrics = [...expr.matchAll(/\bgreenroom_\w+/g)].map(([name]) => name.replace(/_bucket$/, ""));
  const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = ""]) => list.split(", "));
  const selected = [...expr.matchAll(/(\w+)(?:=~|!~|=|!=)"/g)].map(([, label = ""]) => label);
  return { metrics: [...new Set(metrics)], labels: [...new Set([...grouped, ...selected])] };
}
