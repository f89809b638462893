import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Tasks } from "./tasks.ts";

export interface Request {
  readonly id: number;
  readonly task: keyof Tasks;
  readonly args: readonly unknown[];
}

export interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** How long a task may take: a message that got lost would never end it. */
const deadlineMs = 120_000;

/** A process of its own for one node. */
export class RemoteNode {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, (answer: Answer) => void>();
  #lastId = 0;

  constructor() {
    const file = fileURLToPath(new URL("node.ts", import.meta.url));
    this.#child = fork(file, { serialization: "advanced" });
    this.#child.on("message", (answer: Answer) => {
      this.#pending.get(answer.id)?.(answer);
      this.#pending.delete(answer.id);
    });
    this.#child.on("exit", (code) => {
      for (const settle of this.#pending.values())
        settle({ id: 0, error: `A node's process ended: ${code}.` });
    });
  }

  /** @throws with what went wrong there, or when there is no answer for two minutes. */
  async ask<Task extends keyof Tasks>(
    task: Task,
    ...args: Parameters<Tasks[Task]>
  ): Promise<Awaited<ReturnType<Tasks[Task]>>> {
    this.#lastId += 1;
    const request: Request = { id: this.#lastId, task, args };
    const { value, error } = await new Promise<Answer>((resolve) => {
      const late = () => resolve({ id: request.id, error: `"${task}" did not end within ${deadlineMs} ms.` });
      const timer = setTimeout(late, deadlineMs);
      this.#pending.set(request.id, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      this.#child.send(request);
    });
    if (error !== undefined) throw new Error(error);
    return value as Awaited<ReturnType<Tasks[Task]>>;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    if (this.#child.connected) this.#child.disconnect();
    await exited;
  }
}
