import { createServer } from "node:http";
import { createRuntime, MemoryLayer } from "../../index.ts";
import { listen } from "../fan-out/servers/room-server.ts";
import { onError } from "./on-error.ts";
import { type Constant, consumers, type Relay, type RoomRow } from "./room-consumers.ts";
import { plainRows } from "./rows.ts";

/** Serves the room of a row on a free loopback port. @returns the port */
export function openRoom(row: RoomRow, validateOutgoing: boolean): Promise<number> {
  const runtime = createRuntime({ layers: { chat: new MemoryLayer() }, validateOutgoing, onError });
  const Consumer: unknown = consumers[row];
  if (plainRows.includes(row)) runtime.route("/", Consumer as typeof Constant);
  else runtime.route(Consumer as typeof Relay);
  const server = createServer();
  runtime.attach(server);
  return listen(server);
}
