import { Room } from "./room.ts";
import type { Rooms } from "./runtime.ts";

export function routes(runtime: Rooms): void {
  runtime.route(Room);
}
