import type { AnyStateMachine } from "xstate";
import { systemClock } from "../layers/clock.ts";
import { LayerClosedError } from "../layers/errors.ts";
import { pause, retry } from "../layers/retry.ts";
import type { NamedContext, NamedCounters } from "./context.ts";
import { NamedKindError } from "./errors.ts";
import { checkKind } from "./keys.ts";
import { Kind } from "./kind.ts";
import { behaviourOf, type NamedCallerOptions, type NamedOptions } from "./kind-options.ts";
import { OutboxTargets } from "./outbox-targets.ts";
import { FifoLane } from "./owner/fifo-lane.ts";

/** The time that a closing node has for handing its partitions over, in milliseconds. */
const handOverMs = 5_000;

/** The kinds of named actors that a runtime knows. */
export class NamedKinds {
  readonly #context: NamedContext;
  readonly #kinds = new Map<string, Kind>();
  readonly #targets: OutboxTargets;
  readonly #closing = new AbortController();

  constructor(context: NamedContext) {
    this.#context = { ...context, lane: new FifoLane(context.lane) };
    this.#targets = new OutboxTargets({
      layer: (alias) => context.layer(alias, "a named actor"),
      kind: (name) => this.of(name),
    });
  }

  get all(): readonly Kind[] {
    return [...this.#kinds.values()];
  }

  /** The counters of the kinds, by name. */
  counters(): Record<string, NamedCounters> {
    return Object.fromEntries(
      this.all.map(({ kind, counts, owned, active }) => [kind, { ...counts, owned: owned.size, active }]),
    );
  }

  /**
   * Adds a kind, and begins to run its actors if there is a machine. A failure to begin is reported, and repeated.
   *
   * @throws {InvalidNameError} for an invalid name.
   * @throws {NamedKindError} if the runtime has the kind already.
   * @throws {UnknownLayerError}
   * @throws {UnsupportedError} if the layer cannot store named actors.
   * @throws {InvalidOptionError}
   */
  add(
    name: string,
    machine: AnyStateMachine | undefined,
    options: NamedOptions<AnyStateMachine, unknown> | NamedCallerOptions,
  ): Kind {
    checkKind(name);
    if (this.#kinds.has(name)) throw new NamedKindError(`The runtime has a kind "${name}" already.`);
    const layer = this.#context.layer(options.layer, `the kind "${name}"`);
    layer.state.require();
    const behaviour = machine && behaviourOf(machine, options);
    const kind = new Kind(name, layer, behaviour, options, this.#targets, this.#context);
    this.#kinds.set(name, kind);
    void this.#start(kind);
    return kind;
  }

  /** @throws {NamedKindError} if the runtime does not know the kind. */
  of(name: string): Kind {
    const kind = this.#kinds.get(name);
    if (kind !== undefined) return kind;
    throw new NamedKindError(
      `This runtime knows no named actors of the kind "${name}": call runtime.named("${name}", { layer }) first.`,
    );
  }

  /** Begins to run the actors of all kinds. @throws as {@link Kind.open} does. */
  async ready(): Promise<void> {
    await Promise.all(this.all.map((kind) => kind.open()));
  }

  /**
   * Hands all partitions over to other nodes. Messages can be sent until {@link close}. Never rejects.
   * @param isLast whether to free the partitions of a kind even if no other node can own them
   */
  async handOver(isLast: boolean): Promise<void> {
    const ending = new AbortController();
    const handedOver = Promise.all(this.all.map((kind) => kind.handOver(isLast))).catch((error: unknown) =>
      this.#context.report(error, { stage: "named store" }),
    );
    await Promise.race([handedOver, pause(handOverMs, systemClock, ending.signal)]);
    ending.abort();
  }

  close(): void {
    this.#closing.abort();
    for (const kind of this.all) kind.close();
  }

  async #start(kind: Kind): Promise<void> {
    const { signal } = this.#closing;
    const onFailure = (error: unknown, attempt: number) => {
      const isFinal = error instanceof NamedKindError || error instanceof LayerClosedError;
      if (attempt === 1 && !signal.aborted)
        this.#context.report(error, { stage: "named store", kind: kind.kind });
      // Other attempts would fail, too.
      if (isFinal) throw error;
    };
    await retry(() => kind.open(), { clock: systemClock, signal, onFailure }).catch(() => {});
  }
}
