import { randomUUID } from "node:crypto";
import { hostname } from "node:os";

/** Names this process as a member of a kind. The name begins with its host and process id, for operators. */
export function newNodeName(): string {
  const host = hostname()
    .replace(/[^\w.-]/g, "_")
    .slice(0, 60);
  return `${host}:${process.pid}:${randomUUID()}`;
}

/** The host and process id in the name of a node. */
export function placeOf(node: string): string {
  const end = node.lastIndexOf(":");
  return end < 0 ? node : node.slice(0, end);
}
