import { Client } from "./client.ts";

export interface Told {
  readonly status?: string;
  readonly type?: string;
  readonly job_id?: string;
  readonly message?: string;
  readonly percent?: number;
}

export class JobClient {
  readonly client: Client;

  constructor(client: Client) {
    this.client = client;
  }

  static async open(url: string): Promise<JobClient> {
    const jobs = new JobClient(await Client.open(`${url}/ws/backgroundjob`));
    await jobs.next();
    return jobs;
  }

  async next(): Promise<Told> {
    return JSON.parse(String(await this.client.next()));
  }

  async submit(content: string, type = "default"): Promise<string> {
    this.client.send(JSON.stringify({ type, content }));
    return (await this.#until(({ status }) => status === "queued")).job_id ?? "";
  }

  watch(id: string): void {
    this.client.send(JSON.stringify({ type: "watch", job_id: id }));
  }

  /** Resolves once the reported progress exceeds `percent`. */
  async hasPassed(percent: number): Promise<void> {
    await this.#until((told) => told.type === "job_progress" && (told.percent ?? 0) > percent);
  }

  async result(): Promise<string | undefined> {
    return (await this.#until(({ type }) => type === "job_result")).message;
  }

  async #until(isMeant: (told: Told) => boolean): Promise<Told> {
    for (;;) {
      const told = await this.next();
      if (isMeant(told)) return told;
    }
  }
}
