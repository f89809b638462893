/**
 * The types of the client. The client itself does not exist yet: an import of a value fails at run time.
 *
 * @module
 */
import type { Contract } from "../contract/index.ts";
import type { Client, ConnectOptions, ContractConnectOptions, RawClient } from "./client.ts";

export type {
  AskOptions,
  Client,
  ConnectOptions,
  ContractConnectOptions,
  Gap,
  RawClient,
  SendOptions,
  Status,
} from "./client.ts";

/** Connects without a contract. */
export declare function connect(options: ConnectOptions & { readonly url: string | URL }): RawClient;
/** Connects to the path of a contract. */
export declare function connect<K extends Contract>(
  contract: K,
  options: ContractConnectOptions<K>,
): Client<K>;
