/**
 * The client: connects to a server, and stays connected.
 *
 * @module greenroom/client
 */
import type { Contract } from "../contract/index.ts";
import type { Client, ConnectOptions, ContractConnectOptions, RawClient } from "./client.ts";
import { contractClient } from "./contract-client.ts";
import type { Environment } from "./environment.ts";
import { rawClient } from "./raw-client.ts";

export type {
  AnyClient,
  AskOptions,
  Client,
  ConnectOptions,
  ContractConnectOptions,
  Gap,
  RawClient,
  SendOptions,
  Status,
  WebSocketConstructor,
} from "./client.ts";
export { ClientError, ConnectionClosed, FrameRefused, MayHaveBeenTaken } from "./errors.ts";
export { clientStates } from "./machine.ts";

/**
 * Connects without a contract.
 *
 * @throws {TypeError} if the address is not a URL, or there is no WebSocket.
 *
 * @example
 * ```ts
 * const connection = connect({ url: "wss://example.com/ws/system" });
 * connection.on("text", (text) => console.log(text));
 * await connection.send("hello");
 * ```
 */
export function connect(options: ConnectOptions & { readonly url: string | URL }): RawClient;
/**
 * Connects to the path of a contract, and stays connected until `close` is called or the server ends the session.
 * After a lost connection, the client resumes its session: each frame arrives once, in both directions. If that is
 * not possible, `onGap` says so.
 *
 * @throws {TypeError} if a parameter is missing, if the address is not a URL, or if
 *   there is no WebSocket.
 *
 * @example
 * ```ts
 * const room = connect(roomChat, { url: "wss://example.com", params: { room: "tea" } });
 * room.on("said", ({ from, text }) => console.log(from, text));
 * await room.send("say", { text: "hello" });
 * const { members } = await room.ask("rename", { name: "Ada" });
 * ```
 */
export function connect<K extends Contract>(contract: K, options: ContractConnectOptions<K>): Client<K>;
export function connect(
  first: Contract | ConnectOptions,
  options?: ConnectOptions,
): RawClient | Client<Contract> {
  const environment = globalThis as Environment;
  return options === undefined
    ? rawClient(first as ConnectOptions, environment)
    : contractClient(first as Contract, options, environment);
}
