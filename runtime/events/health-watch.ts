import type { ChannelLayer } from "../../layers/channel-layer.ts";
import { type Clock, unref } from "../../layers/clock.ts";

export interface HealthChange {
  readonly layer: string;
  readonly ok: boolean;
  readonly reason: string | undefined;
}

type Layers = Readonly<Record<string, Pick<ChannelLayer, "health">>>;

const intervalMs = 1_000;

/** Looks at the health of layers once a second, and tells each change. Every layer counts as healthy at first. */
export class HealthWatch {
  readonly #layers: Layers;
  readonly #clock: Clock;
  readonly #onChange: (change: HealthChange) => void;
  readonly #unhealthy = new Set<string>();
  #timer: unknown;

  constructor(layers: Layers, clock: Clock, onChange: (change: HealthChange) => void) {
    this.#layers = layers;
    this.#clock = clock;
    this.#onChange = onChange;
    this.#schedule();
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer);
  }

  #schedule(): void {
    this.#timer = this.#clock.setTimeout(() => {
      this.#schedule();
      this.#look();
    }, intervalMs);
    // The timer alone must not keep a process alive.
    unref(this.#timer);
  }

  #look(): void {
    for (const [layer, { health }] of Object.entries(this.#layers)) {
      if (health.ok === !this.#unhealthy.has(layer)) continue;
      if (health.ok) this.#unhealthy.delete(layer);
      else this.#unhealthy.add(layer);
      this.#onChange({ layer, ok: health.ok, reason: health.ok ? undefined : health.reason });
    }
  }
}
