import { LayerClosedError, QueueFullError } from "./errors.ts";

interface Openable {
  open(): Promise<void>;
  close(): Promise<void>;
}

/** Opens a layer on first use, queues calls until it is open, and refuses calls after it is closed. */
export class Lifecycle {
  readonly #resource: Openable;
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #isOpen = false;
  #waiting = 0;
  /** The number of sends among the calls that wait. */
  #waitingSends = 0;

  constructor(resource: Openable) {
    this.#resource = resource;
  }

  get state(): "new" | "open" | "closed" {
    if (this.#closing !== undefined) return "closed";
    return this.#isOpen ? "open" : "new";
  }

  /** Opens the resource once. After a failure, the next call tries again. */
  ready(): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(new LayerClosedError());
    this.#opening ??= this.#open();
    return this.#opening;
  }

  /**
   * Runs `work` once the layer is open, in the order of the calls. `check` runs immediately; if it throws,
   * the call is refused. Synchronous work allocates only one promise, because channels join and leave often.
   * @throws {LayerClosedError} as a rejection, if the layer closes before `work` begins or fails.
   */
  run<T>(work: () => T | Promise<T>, check?: () => void): Promise<T> {
    try {
      this.refuseIfClosed();
      check?.();
      // Keeps the order: even if the layer is open, earlier calls may still wait.
      if (!this.#isOpen || this.#waiting > 0) return this.#runLater(work, false);
      const result = work();
      return result instanceof Promise ? this.#settle(result) : Promise.resolve(result);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Like {@link run}, but if the layer closes while it is still opening, `work` begins nevertheless. */
  send<T>(work: () => Promise<T>): Promise<T> {
    return this.#isOpen && this.#waiting === 0 ? this.run(work) : this.#runLater(work, true);
  }

  refuseIfClosed(): void {
    if (this.#closing !== undefined) throw new LayerClosedError();
  }

  /** Waits for the layer to open if sends wait for this, then closes the resource. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // If opening fails, the sends reject.
    while (this.#waitingSends > 0) await this.#opening?.catch(() => {});
    await this.#resource.close();
  }

  async #runLater<T>(work: () => T | Promise<T>, isSend: boolean): Promise<T> {
    this.#waiting += 1;
    if (isSend) this.#waitingSends += 1;
    try {
      await this.ready();
    } catch (error) {
      // If the layer was closed meanwhile, the resource has opened nevertheless.
      if (!isSend || !this.#isOpen) throw error;
    } finally {
      this.#waiting -= 1;
      if (isSend) this.#waitingSends -= 1;
    }
    if (!isSend) this.refuseIfClosed();
    return await this.#settle(Promise.resolve(work()));
  }

  async #settle<T>(working: Promise<T>): Promise<T> {
    try {
      return await working;
    } catch (error) {
      const isOwn = error instanceof LayerClosedError || error instanceof QueueFullError;
      throw this.#closing === undefined || isOwn ? error : new LayerClosedError(error);
    }
  }

  async #open(): Promise<void> {
    try {
      await this.#settle(this.#resource.open());
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
    this.#isOpen = true;
    this.refuseIfClosed();
  }
}
