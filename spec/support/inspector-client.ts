import { isDeepStrictEqual } from "node:util";
import type {
  History,
  HistoryEntry,
  List,
  ListRequest,
  PageReport,
  PageRequest,
} from "../../inspector/protocol.ts";
import { Client } from "./client.ts";

type ReportOf<T extends PageReport["type"]> = Extract<PageReport, { readonly type: T }>;

/** The token of the inspectors that specs start. */
export const token = "a token of specs";

/** Requests an address of the inspector with its token, as a browser does. @returns the header with the cookie */
export async function signIn(address: string): Promise<{ readonly Cookie: string }> {
  const response = await fetch(address, { redirect: "manual" });
  const cookie = response.headers.get("set-cookie")?.split(";")[0];
  if (cookie === undefined) throw new Error(`No cookie, but ${response.status}: ${await response.text()}`);
  return { Cookie: cookie };
}

/** As `isByMachine`, for the text of a failure. */
const isInterruption = (message = ""): boolean => / blocked the event loop for more than /.test(message);

/** Leaves out the failures that a busy machine can cause. */
function withoutInterruptions(report: PageReport): PageReport {
  if (report.type === "tick")
    return { ...report, failures: report.failures.filter(({ message }) => !isInterruption(message)) };
  if (report.type === "history")
    return {
      ...report,
      entries: report.entries.filter(({ kind, detail }) => kind !== "failed" || !isInterruption(detail)),
    };
  return report;
}

export class InspectorClient {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
  }

  static async open(url: string): Promise<InspectorClient> {
    return new InspectorClient(await Client.open(`${url}/inspect?token=${encodeURIComponent(token)}`));
  }

  ask(request: PageRequest | unknown): void {
    this.#client.send(JSON.stringify(request));
  }

  /**
   * The next report that has the type and `matches`. Earlier reports are discarded. Reports have no failures
   * that a busy machine can cause.
   */
  async next<T extends PageReport["type"]>(
    type: T,
    matches: (report: ReportOf<T>) => boolean = () => true,
  ): Promise<ReportOf<T>> {
    for (;;) {
      const report = withoutInterruptions(JSON.parse(String(await this.#client.next())) as PageReport);
      if (report.type === type && matches(report as ReportOf<T>)) return report as ReportOf<T>;
    }
  }

  async list(request: Partial<ListRequest> = {}): Promise<List> {
    const whole = { type: "list", sort: "oldest", offset: 0, limit: 50, ...request } as const;
    this.ask(whole);
    return this.next("list", (list) => isDeepStrictEqual(list.request, whole));
  }

  async open(actor: string): Promise<History> {
    this.ask({ type: "open", actor });
    return this.next("history", (history) => history.actor === actor && history.isFirst);
  }

  /** The next entries of the opened actor, until a report has an entry that `matches`. */
  async entriesUntil(matches: (entry: HistoryEntry) => boolean): Promise<HistoryEntry[]> {
    const entries: HistoryEntry[] = [];
    while (!entries.some(matches)) entries.push(...(await this.next("history")).entries);
    return entries;
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}
