import type { AnyStateMachine } from "xstate";
import { type Contract, FrameType } from "../contract/index.ts";
import { isMachine } from "../diagrams/names.ts";
import { AsyncApiError } from "./async-api-error.ts";
import { describeContract, type ToJsonSchema } from "./channel.ts";
import type { AsyncApiChannel, AsyncApiDocument, AsyncApiOperation, AsyncApiServer } from "./document.ts";
import { jsonSchemaOf } from "./json-schema-of.ts";
import { addressOf } from "./parameters.ts";
import { correlationId, errorMessage } from "./protocol-messages.ts";
import { SharedSchemas } from "./shared-schemas.ts";

/** Options of {@link asyncApi}. */
export interface AsyncApiOptions {
  /** The name of the API. */
  readonly title: string;
  /** The version of the API, such as `1.0.0`. */
  readonly version: string;
  /** A longer text, in CommonMark. */
  readonly description?: string | undefined;
  /** The addresses of the servers, by name. @default none */
  readonly servers?: Readonly<Record<string, AsyncApiServer>> | undefined;
}

/** A contract, or a consumer class with a contract. A class of a machine consumer also has a machine. */
export type AsyncApiSource =
  | Contract
  | { readonly contract?: Contract | undefined; readonly machine?: AnyStateMachine };

/**
 * Describes contracts as a document of AsyncAPI 3.1: a channel for each path, and an operation for each frame.
 * The server receives the frames of the client, and sends its own. The result is plain data, and is the same for
 * the same contracts.
 *
 * Payloads are described as they travel: together with `type` and `id`, and as a schema takes them, before it
 * transforms them. The channel of a machine consumer has `x-states`: the frames that the machine takes in each
 * state.
 *
 * @param sources contracts, and consumer classes with a contract. A contract that occurs again is described once.
 * @throws {AsyncApiError} (`ERR_ASYNC_API`) if a schema cannot be written as JSON Schema, if a source has no
 *   contract, or if two contracts have the same path.
 *
 * @example
 * ```ts
 * const document = asyncApi([roomChat, Auction], { title: "Chat", version: "1.0.0" });
 * await writeFile("asyncapi.json", JSON.stringify(document, undefined, 2));
 * ```
 */
export function asyncApi(sources: readonly AsyncApiSource[], options: AsyncApiOptions): AsyncApiDocument {
  return documentOf(sources, options, jsonSchemaOf);
}

/** Like {@link asyncApi}, with another way to write a schema. */
export function documentOf(
  sources: readonly AsyncApiSource[],
  { title, version, description, servers }: AsyncApiOptions,
  toJsonSchema: ToJsonSchema,
): AsyncApiDocument {
  // Unlike an object, a map takes any key: a path may be `/__proto__`.
  const channels = new Map<string, AsyncApiChannel>();
  const operations: Record<string, AsyncApiOperation> = {};
  const shared = new SharedSchemas();
  for (const described of withoutRepetitions(sources)) {
    const key = keyFor(described.contract.path, channels);
    const parts = describeContract(described, key, { toJsonSchema, shared });
    channels.set(key, parts.channel);
    Object.assign(operations, parts.operations);
  }
  const schemas = shared.all;
  return {
    asyncapi: "3.1.0",
    info: { title, version, ...(description !== undefined && { description }) },
    ...(servers && { servers }),
    defaultContentType: "application/json",
    channels: Object.fromEntries(channels),
    operations,
    components: {
      messages: { [FrameType.error]: errorMessage },
      correlationIds: { id: correlationId },
      ...(schemas && { schemas }),
    },
  };
}

interface Described {
  readonly contract: Contract;
  readonly machine: AnyStateMachine | undefined;
}

function withoutRepetitions(sources: readonly AsyncApiSource[]): Iterable<Described> {
  const found = new Map<Contract, Described>();
  for (const source of sources) {
    const { contract, machine } = describedBy(source);
    found.set(contract, { contract, machine: found.get(contract)?.machine ?? machine });
  }
  const addresses = new Set<string>();
  for (const { path } of found.keys()) {
    // Routes whose patterns differ only in the names of parameters match the same paths.
    const address = addressOf(path).replace(/\{\w+\}/g, "{}");
    if (addresses.has(address)) {
      throw new AsyncApiError(`Two contracts have the path "${path}": describe them in separate documents.`);
    }
    addresses.add(address);
  }
  return found.values();
}

function describedBy(source: AsyncApiSource): Described {
  if (isContract(source)) return { contract: source, machine: undefined };
  const { contract, machine } = source;
  // Any class may have another static `machine`.
  if (isContract(contract)) return { contract, machine: isMachine(machine) ? machine : undefined };
  const { name } = source as { readonly name?: unknown };
  throw new AsyncApiError(
    `${typeof name === "string" && name !== "" ? name : "A source"} has no contract: pass contracts, and classes made by contractConsumer or machineConsumer with a contract.`,
  );
}

/** Whether `value` is a contract, from any copy of the package. */
export function isContract(value: unknown): value is Contract {
  if (typeof value !== "object" || value === null) return false;
  const { path, client, server } = value as Partial<Contract>;
  return typeof path === "string" && typeof client === "object" && typeof server === "object";
}

/** The key of the channel for a path. Keys of AsyncAPI consist of letters, digits, `_`, `-` and `.`. */
function keyFor(path: string, taken: ReadonlyMap<string, unknown>): string {
  const plain =
    path
      .slice(1)
      .replaceAll(":", "")
      .replace(/[^\w-]/g, "_") || "root";
  let key = plain;
  for (let number = 2; taken.has(key); number += 1) key = `${plain}_${number}`;
  return key;
}
