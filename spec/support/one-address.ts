import type { Limits } from "greenroom";

/** Limits for a load whose clients all have the same address. The default limits would refuse most of them. */
export const oneAddress = {
  maxConnections: 100_000,
  maxConnectionsPerAddress: 100_000,
  maxUpgradesPerSecond: 1_000_000,
  maxUpgradeBurst: 1_000_000,
} as const satisfies Partial<Limits>;
