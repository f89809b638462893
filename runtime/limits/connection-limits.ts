import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "../../layers/clock.ts";
import type { ErrorListener } from "../../layers/error-reporter.ts";
import { jitter } from "../../layers/jitter.ts";
import type { Counters } from "../counters.ts";
import { LimitError } from "../errors.ts";
import type { Refusal } from "../http-response.ts";
import type { OccasionalReports } from "../occasional-reports.ts";
import { addressKey } from "./address-key.ts";
import type { ClientAddresses } from "./client-address.ts";
import type { Limits } from "./limits.ts";
import { type Rate, TokenBucket } from "./token-bucket.ts";

interface LimitsContext {
  readonly clientAddresses: ClientAddresses;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly limits: Limits;
  readonly occasionalReports: OccasionalReports;
  readonly report: ErrorListener;
}

type DoorLimit = "maxConnections" | "maxConnectionsPerAddress" | "maxUpgradesPerSecond";

/** The use of one address. */
interface AddressUse {
  connections: number;
  readonly bucket: TokenBucket;
  /** The listener of all sockets that count for the address only. */
  readonly onClose: () => void;
  /** The listener of all sockets that count for the address and for the limit of all connections. */
  readonly onSocketClose: () => void;
}

/**
 * Addresses without connections that are remembered until their buckets are full. A botnet may have more addresses:
 * then the oldest is forgotten early.
 */
const maxIdleAddresses = 10_000;

/** The refused clients return within this time, in milliseconds, and not together. */
const retryWithinMs = 30_000;

/** Counts connections, in all and for each address, and the upgrades of each address. */
export class ConnectionLimits {
  readonly #context: LimitsContext;
  readonly #rate: Rate;
  readonly #servers = new WeakSet<object>();
  readonly #connected = new Map<string, AddressUse>();
  /** The addresses without connections, in the order in which their last connections ended. */
  readonly #idle = new Map<string, AddressUse>();
  #connections = 0;
  readonly #onClose = () => {
    this.#connections -= 1;
  };

  constructor(context: LimitsContext) {
    const { maxUpgradesPerSecond, maxUpgradeBurst } = context.limits;
    this.#context = context;
    this.#rate = { perSecond: maxUpgradesPerSecond, burst: maxUpgradeBurst };
  }

  /** The number of connections. */
  get connections(): number {
    return this.#connections;
  }

  /** The number of addresses that are remembered. */
  get addresses(): number {
    this.#forget();
    return this.#connected.size + this.#idle.size;
  }

  /** Counts all new sockets of `server` from now on. Their upgrades are not counted a second time. */
  addServer(server: object): void {
    this.#servers.add(server);
  }

  /** Counts upgrades on new sockets of `server` from now on. */
  removeServer(server: object): void {
    this.#servers.delete(server);
  }

  /** Counts a new socket of an attached server until it closes. Returns a refusal instead if it is past a limit. */
  addSocket(socket: Socket): Refusal | undefined {
    const { remoteAddress } = socket;
    return this.#count(
      socket,
      true,
      this.#context.clientAddresses.isProxy(remoteAddress) ? undefined : remoteAddress,
    );
  }

  /**
   * Counts an upgrade, and its socket unless {@link addSocket} has counted it. Returns a refusal instead if the
   * upgrade is past a limit.
   */
  addUpgrade(request: IncomingMessage, socket: Duplex): Refusal | undefined {
    const address = this.#context.clientAddresses.addressOf(request);
    if (address !== undefined && !this.#entryOf(addressKey(address)).bucket.take())
      return this.#refuse("maxUpgradesPerSecond", address);
    const { server, remoteAddress } = socket as Duplex & { readonly server?: object; remoteAddress?: string };
    const isCounted = server !== undefined && this.#servers.has(server);
    if (isCounted && !this.#context.clientAddresses.isProxy(remoteAddress)) return undefined;
    return this.#count(socket, !isCounted, address);
  }

  /** @param inAll whether the socket counts for the limit of all connections. */
  #count(socket: Duplex, inAll: boolean, address: string | undefined): Refusal | undefined {
    // Such a socket emits no further event.
    if (socket.closed) return undefined;
    const { limits } = this.#context;
    if (inAll && this.#connections >= limits.maxConnections) return this.#refuse("maxConnections");
    const key = address === undefined ? undefined : addressKey(address);
    const use = key === undefined ? undefined : this.#entryOf(key);
    if (use !== undefined && use.connections >= limits.maxConnectionsPerAddress)
      return this.#refuse("maxConnectionsPerAddress", address);
    if (inAll) this.#connections += 1;
    if (key !== undefined && use !== undefined) this.#connect(key, use);
    // Sockets share one listener: a closure, or a third listener, would take 200 bytes of memory for each socket.
    if (use !== undefined) socket.on("close", inAll ? use.onSocketClose : use.onClose);
    else if (inAll) socket.on("close", this.#onClose);
    return undefined;
  }

  #connect(key: string, use: AddressUse): void {
    use.connections += 1;
    if (use.connections > 1) return;
    this.#idle.delete(key);
    this.#connected.set(key, use);
  }

  #disconnect(key: string, use: AddressUse): void {
    use.connections -= 1;
    if (use.connections > 0) return;
    this.#connected.delete(key);
    this.#idle.set(key, use);
  }

  #entryOf(key: string): AddressUse {
    const known = this.#connected.get(key) ?? this.#idle.get(key);
    if (known !== undefined) return known;
    const use: AddressUse = {
      connections: 0,
      bucket: new TokenBucket(this.#context.clock, this.#rate),
      onClose: () => this.#disconnect(key, use),
      onSocketClose: () => {
        this.#onClose();
        use.onClose();
      },
    };
    this.#forget();
    this.#idle.set(key, use);
    return use;
  }

  /** Forgets the addresses that have no connections and a full bucket, beginning with the oldest. */
  #forget(): void {
    for (const [key, { bucket }] of this.#idle) {
      if (this.#idle.size < maxIdleAddresses && !bucket.isFull) return;
      this.#idle.delete(key);
    }
  }

  #refuse(limit: DoorLimit, address?: string): Refusal {
    const { counters, limits, occasionalReports, report } = this.#context;
    counters.limit(limit);
    const error = () => new LimitError(limit, describe(limit, limits[limit], address));
    occasionalReports.report(ConnectionLimits, limit, error, (error) => report(error, { stage: "upgrade" }));
    return {
      ...(limit === "maxConnections" ? tooManyInAll : tooManyFromAddress),
      cause: "limit",
      headers: { "Retry-After": Math.ceil(jitter(retryWithinMs, 0) / 1_000) || 1 },
    };
  }
}

const tooManyInAll = { status: 503, reason: "The server has too many connections" };
const tooManyFromAddress = { status: 429, reason: "Too many connections from this address" };

function describe(limit: DoorLimit, value: number, address?: string): string {
  if (address === undefined) return `The server has ${value} connections, so it refuses more: see ${limit}.`;
  const use =
    limit === "maxUpgradesPerSecond"
      ? `sends more than ${value} upgrades per second`
      : `has ${value} connections`;
  return (
    `The address ${address} ${use}, so it gets 429 for more: see ${limit}. If this is the address of a reverse proxy, ` +
    "set trustProxy."
  );
}
