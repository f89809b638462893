import type { IncomingMessage } from "node:http";
import type { AttachableServer } from "./attach-options.ts";

type Filter = (request: IncomingMessage) => boolean;
type RequestClass = typeof IncomingMessage;

/** The properties of a server that decide about upgrades. The type definitions of Node lack both. */
interface FilterableServer {
  shouldUpgradeCallback?: Filter;
  [requestClass: symbol]: RequestClass;
}

/** Whether the request asks for a WebSocket, and not for another protocol such as h2c. */
export const isWebSocketUpgrade: Filter = ({ headers }) => headers.upgrade?.toLowerCase() === "websocket";

/**
 * Makes `server` handle an upgrade as a plain request if `isUpgrade` returns false for it: the `request`
 * listeners get it, as they do on a server without `upgrade` listeners. Its body is read, and its connection
 * is kept alive. Returns a function that removes the filter.
 */
export function filterUpgrades(server: AttachableServer, isUpgrade: Filter): () => void {
  const filterable = server as unknown as FilterableServer;
  const { shouldUpgradeCallback } = filterable;
  if (shouldUpgradeCallback === undefined) return filterByRequestClass(filterable, isUpgrade);
  const filter: Filter = (request) => isUpgrade(request) && shouldUpgradeCallback.call(server, request);
  filterable.shouldUpgradeCallback = filter;
  return () => {
    if (filterable.shouldUpgradeCallback === filter) filterable.shouldUpgradeCallback = shouldUpgradeCallback;
  };
}

const isRequested = Symbol("isRequested");

/**
 * Filters upgrades in versions of Node without `shouldUpgradeCallback`. They read the property `upgrade` of
 * a request, and the class of requests is a property of the server. If a server lacks this class, its
 * upgrades are not filtered.
 */
function filterByRequestClass(server: FilterableServer, isUpgrade: Filter): () => void {
  const key = Object.getOwnPropertySymbols(server).find(
    ({ description }) => description === "IncomingMessage",
  );
  const Request = key && server[key];
  if (!Request) return () => {};
  class FilteredRequest extends Request {
    declare [isRequested]: boolean;
  }
  Object.defineProperty(FilteredRequest.prototype, "upgrade", {
    // Node reads the property once it has all headers, and a second time after the `request` listeners.
    get(this: FilteredRequest): boolean {
      this[isRequested] &&= this.method === "CONNECT" || isUpgrade(this);
      return this[isRequested];
    },
    set(this: FilteredRequest, value: boolean) {
      this[isRequested] = value;
    },
  });
  server[key] = FilteredRequest;
  return () => {
    if (server[key] === FilteredRequest) server[key] = Request;
  };
}
