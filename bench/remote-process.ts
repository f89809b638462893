import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";

/** What a process can be asked to do, by name. */
export type Tasks<T> = { readonly [Task in keyof T]: (...args: never[]) => unknown };

interface Request {
  readonly id: number;
  readonly task: string;
  readonly args: readonly unknown[];
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** How long a task may take: a message that got lost would never end it. */
const deadlineMs = 120_000;
/** How long a process may take to end. */
const graceMs = 5_000;

/** A process of its own that does what it is asked, until this one hangs up or ends. */
export class RemoteProcess<T extends Tasks<T>> {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, (answer: Answer) => void>();
  #ended: string | undefined;
  #lastId = 0;

  /** @param file a module that calls {@link answerTasks}. @param execArgv what Node is told. @default as this process */
  constructor(file: string, execArgv: readonly string[] = process.execArgv) {
    this.#child = fork(file, { serialization: "advanced", execArgv: [...execArgv] });
    this.#child.on("message", (answer: Answer) => {
      this.#pending.get(answer.id)?.(answer);
      this.#pending.delete(answer.id);
    });
    this.#child.on("exit", (code, signal) => this.#end(`The process ended: ${code ?? signal}.`));
    this.#child.on("error", ({ message }) => this.#end(message));
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error("The process did not start.");
    return this.#child.pid;
  }

  /** @throws with what went wrong there, or when there is no answer for two minutes. */
  async ask<Task extends keyof T & string>(
    task: Task,
    ...args: Parameters<T[Task]>
  ): Promise<Awaited<ReturnType<T[Task]>>> {
    if (this.#ended !== undefined) throw new Error(this.#ended);
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
    return value as Awaited<ReturnType<T[Task]>>;
  }

  #end(reason: string): void {
    this.#ended ??= reason;
    for (const settle of this.#pending.values()) settle({ id: 0, error: this.#ended });
  }

  /** Hangs up, and resolves once the process has ended: by itself, or by force where it is stuck. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    if (this.#child.connected) this.#child.disconnect();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), graceMs);
    await exited;
    clearTimeout(timer);
  }
}

/** Has this process do what the one that forked it asks, until that hangs up. */
export function answerTasks<T extends Tasks<T>>(tasks: T): void {
  process.on("message", async ({ id, task, args }: Request) => {
    process.send?.(await answer(id, () => tasks[task as keyof T](...(args as never[]))));
  });
  // Peers do not end by themselves once they are closed; and nothing of a bench is worth saving.
  process.on("disconnect", () => process.exit());
}

async function answer(id: number, work: () => unknown): Promise<Answer> {
  try {
    return { id, value: await work() };
  } catch (error) {
    return { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
