import { LayerClosedError } from "./errors.ts";

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
      if (!this.#isOpen || this.#waiting > 0) return this.#runLater(work);
      const result = work();
      return result instanceof Promise ? this.#settle(result) : Promise.resolve(result);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  refuseIfClosed(): void {
    if (this.#closing !== undefined) throw new LayerClosedError();
  }

  close(): Promise<void> {
    this.#closing ??= this.#resource.close();
    return this.#closing;
  }

  async #runLater<T>(work: () => T | Promise<T>): Promise<T> {
    this.#waiting += 1;
    try {
      await this.ready();
    } finally {
      this.#waiting -= 1;
    }
    this.refuseIfClosed();
    return await this.#settle(Promise.resolve(work()));
  }

  async #settle<T>(working: Promise<T>): Promise<T> {
    try {
      return await working;
    } catch (error) {
      this.refuseIfClosed();
      throw error;
    }
  }

  async #open(): Promise<void> {
    try {
      await this.#settle(this.#resource.open());
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
    this.refuseIfClosed();
    this.#isOpen = true;
  }
}
