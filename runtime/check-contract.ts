import { isRelay } from "../actors/contract/relay.ts";
import { ownMachine } from "../actors/own-machine.ts";
import type { Contract } from "../contract/index.ts";
import { InvalidOptionError } from "../layers/errors.ts";

interface ClassToCheck {
  readonly name: string;
  readonly on: object;
  readonly contract?: Contract | undefined;
  readonly frames?: object;
}

/**
 * Checks what the compiler refuses in typed code: a handler for each frame of the contract, and relays only to
 * frames of the contract.
 * @throws {InvalidOptionError} if a handler is missing, or too much, or if the contract lacks a part.
 */
export function checkContract(Consumer: ClassToCheck): void {
  const { name, contract, frames, on } = Consumer;
  if (contract !== undefined && !(contract.path && contract.client && contract.server))
    throw new InvalidOptionError(
      `${name}.contract is not a contract: create it with contract({ path, client, server }).`,
    );
  const server = Object.keys((contract?.server as object | undefined) ?? {});
  for (const [type, entry] of Object.entries(on)) {
    if (!isRelay(entry)) continue;
    const frame = entry.relay === "=" ? type : entry.relay;
    if (server.includes(frame)) continue;
    throw new InvalidOptionError(
      `${name}.on relays "${type}" as the frame "${frame}", which ` +
        (contract === undefined
          ? "needs a contract: see contractConsumer."
          : listed("its contract lacks", server)),
    );
  }
  if (contract === undefined || ownMachine in Consumer) return;
  const types = Object.keys(contract.client as object);
  const handled = Object.entries(frames ?? {}).flatMap(([type, handler]) =>
    typeof handler === "function" ? [type] : [],
  );
  const missing = types.filter((type) => !handled.includes(type));
  const unknown = handled.filter((type) => !types.includes(type));
  if (missing.length > 0) {
    const list = missing.join(", ");
    throw new InvalidOptionError(
      `${name}.frames lacks a handler for ${list}: the contract has these frames.`,
    );
  }
  if (unknown.length > 0)
    throw new InvalidOptionError(
      `${name}.frames handles ${unknown.join(", ")}, which ${listed("its contract lacks", types)}`,
    );
}

const listed = (problem: string, types: readonly string[]): string =>
  `${problem}. It has: ${types.join(", ") || "none"}.`;
