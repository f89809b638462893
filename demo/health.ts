import type { ServerResponse } from "node:http";
import type { RuntimeHealth } from "greenroom";

export type HealthAnswer = (response: ServerResponse) => void;

/**
 * The answers to probes, by path. Anyone can read them, so they have no addresses and no errors.
 *
 * - `/livez` answers 200 as long as the process runs, also while it drains or has lost Redis: a restart would not help.
 * - `/readyz` and `/healthz` answer 200 while the server can serve clients, and 503 while it cannot.
 */
export function healthAnswers(health: () => RuntimeHealth): ReadonlyMap<string, HealthAnswer> {
  const ready: HealthAnswer = (response) => {
    const { ok, status, layers } = health();
    answerJson(response, ok ? 200 : 503, { status, layers });
  };
  const live: HealthAnswer = (response) => answerJson(response, 200, { status: "ok" });
  return new Map([
    ["/livez", live],
    ["/readyz", ready],
    ["/healthz", ready],
  ]);
}

function answerJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" });
  response.end(JSON.stringify(body)); // Node omits the content in the response to HEAD.
}
