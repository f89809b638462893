import { type AsyncApiSource, isContract } from "../asyncapi/async-api.ts";

/**
 * Finds the contracts that a module exports, and the consumer classes with a contract. The same contract may be
 * found several times.
 */
export function findContracts(moduleExports: object): AsyncApiSource[] {
  const { default: inner } = moduleExports as { readonly default?: unknown };
  const exported = Object.values(moduleExports);
  // A CommonJS module may have its exports only under `default`.
  if (typeof inner === "object" && inner !== null) exported.push(...Object.values(inner));
  return exported.filter(
    (value): value is AsyncApiSource =>
      isContract(value) ||
      (typeof value === "function" && isContract((value as { readonly contract?: unknown }).contract)),
  );
}
