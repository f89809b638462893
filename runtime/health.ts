import type { ChannelLayer } from "../layers/channel-layer.ts";

/** Whether a runtime can serve clients. Has no addresses and no errors, so anyone may read it. */
export interface RuntimeHealth {
  readonly ok: boolean;
  /** `draining` since the call of `close`; `unavailable` if a layer is not healthy. */
  readonly status: "ok" | "draining" | "unavailable";
  /** Whether each layer can carry messages, by alias. */
  readonly layers: Readonly<Record<string, { readonly ok: boolean }>>;
}

export function healthOf(
  layers: Readonly<Record<string, Pick<ChannelLayer, "health">>>,
  isDraining: boolean,
): RuntimeHealth {
  const entries = Object.entries(layers).map(([alias, { health }]) => [alias, { ok: health.ok }] as const);
  const isAvailable = entries.every(([, { ok }]) => ok);
  const status = isDraining ? "draining" : isAvailable ? "ok" : "unavailable";
  return { ok: status === "ok", status, layers: Object.fromEntries(entries) };
}
