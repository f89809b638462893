import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { withTimeout } from "../../layers/with-timeout.ts";

export type Tasks<T> = { readonly [Task in keyof T]: (...args: never[]) => unknown };

interface Request {
  readonly id: number;
  readonly task: string;
  readonly args: readonly unknown[];
}

interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

export interface WorkerOptions {
  /** The folder for the CPU profile of the process. */
  readonly profiles?: string | undefined;
  readonly label?: string;
}

/** The time limit of a task. Without a limit, a lost message would block the benchmark forever. */
const timeoutMs = 300_000;
/** The time after which a process that does not exit is killed. */
const graceMs = 5_000;
const typeScriptFlags = ["--import=tsx", "--conditions=greenroom-source"];
let profileCount = 0;

/** A child process that runs tasks for this process, until this process disconnects or exits. */
export class WorkerProcess<T extends Tasks<T>> {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, (reply: Reply) => void>();
  #exit: string | undefined;
  #lastId = 0;

  /** @param module a module that calls {@link serveTasks}. A JavaScript module runs without a loader. */
  constructor(module: URL, { profiles, label = "worker" }: WorkerOptions = {}) {
    const execArgv = ["--expose-gc", ...(module.pathname.endsWith(".ts") ? typeScriptFlags : [])];
    if (profiles !== undefined) {
      profileCount += 1;
      const name = `${label.replace(/[^\w.-]+/g, "-")}-${profileCount}.cpuprofile`;
      execArgv.push("--cpu-prof", `--cpu-prof-dir=${profiles}`, `--cpu-prof-name=${name}`);
    }
    this.#child = fork(fileURLToPath(module), { serialization: "advanced", execArgv });
    this.#child.on("message", (reply: Reply) => {
      this.#pending.get(reply.id)?.(reply);
      this.#pending.delete(reply.id);
    });
    this.#child.on("exit", (code, signal) => this.#onExit(`The worker process exited: ${code ?? signal}.`));
    this.#child.on("error", ({ message }) => this.#onExit(message));
  }

  /** Runs a task in the process. @throws the task's error, or an error after 5 minutes without a reply */
  async call<Task extends keyof T & string>(
    task: Task,
    ...args: Parameters<T[Task]>
  ): Promise<Awaited<ReturnType<T[Task]>>> {
    if (this.#exit !== undefined) throw new Error(this.#exit);
    this.#lastId += 1;
    const request: Request = { id: this.#lastId, task, args };
    const replied = new Promise<Reply>((resolve) => this.#pending.set(request.id, resolve));
    this.#child.send(request);
    const late = () => new Error(`The task "${task}" did not finish within ${timeoutMs} ms.`);
    const { value, error } = await withTimeout(replied, timeoutMs, globalThis, late);
    if (error !== undefined) throw new Error(error);
    return value as Awaited<ReturnType<T[Task]>>;
  }

  /** Runs one task and closes the process, so that measurements share neither compiled code nor heap. */
  async callOnce<Task extends keyof T & string>(
    task: Task,
    ...args: Parameters<T[Task]>
  ): Promise<Awaited<ReturnType<T[Task]>>> {
    try {
      return await this.call(task, ...args);
    } finally {
      await this.close();
    }
  }

  #onExit(reason: string): void {
    this.#exit ??= reason;
    for (const settle of this.#pending.values()) settle({ id: 0, error: this.#exit });
  }

  /** Ends the process with SIGKILL, as a crash would. Resolves when the process has exited. */
  async kill(): Promise<void> {
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exited;
  }

  /** Disconnects. Resolves when the process has exited. Kills a process that does not exit in time. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    if (this.#child.connected) this.#child.disconnect();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), graceMs);
    await exited;
    clearTimeout(timer);
  }
}

/** Runs tasks for the parent process, until the parent disconnects. */
export function serveTasks<T extends Tasks<T>>(tasks: T): void {
  // Ignores errors, because the parent may have disconnected while the task ran.
  const send = (reply: Reply) => process.send?.(reply, undefined, undefined, () => {});
  process.on("message", async ({ id, task, args }: Request) => {
    try {
      send({ id, value: await tasks[task as keyof T](...(args as never[])) });
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      send({ id, error: text });
    }
  });
  // Exits explicitly, because libraries may keep the process alive after their close.
  process.on("disconnect", () => process.exit());
}
