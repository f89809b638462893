import { whole } from "../harness/tables.ts";
import type { FrameRow } from "./frames.ts";
import type { RoomRow } from "./room-consumers.ts";

export const frameRows: Readonly<Record<FrameRow, string>> = {
  text: "`WebSocketConsumer`, `JSON.parse` only (control)",
  json: "`JsonWebSocketConsumer`",
  zodByHand: "`JsonWebSocketConsumer`, zod by hand",
  zod: "**`contractConsumer`, zod**",
  valibotByHand: "`JsonWebSocketConsumer`, valibot by hand",
  valibot: "**`contractConsumer`, valibot**",
  arkTypeByHand: "`JsonWebSocketConsumer`, ArkType by hand",
  arkType: "**`contractConsumer`, ArkType**",
  machine: "`machineConsumer` without a contract",
};

export const roomRows: Readonly<Record<RoomRow, string>> = {
  constant: "`WebSocketConsumer`, a constant text (control)",
  sendJson: "`JsonWebSocketConsumer`, `sendJson(message)`",
  relay: "**`relay`**",
  relayAs: "**`relayAs`**",
  passOn: '`send("said", message)`',
  build: '`send("said", { text })`, equal for all members',
  buildEach: '`send("said", { text, seat })`, another for each member',
};

/** The rows without a contract, for which `validateOutgoing` has no meaning. */
export const plainRows: readonly string[] = ["constant", "sendJson"] satisfies RoomRow[];

/** The number of members of the room, and the bytes of a text. */
export const [members, size] = [1_000, 100];

/** The numbers of messages in flight, all of one sender. The first one also warms up. */
export const inFlight = [20, 1] as const;

export const frameTitle = "A valid frame of three fields";

export const deliveryTitle = (validates: boolean): string =>
  `The actor's part of a delivery${suffix(validates)}`;

/** The title of a measurement of the room. */
export const roomTitle = (count: number, validates: boolean): string =>
  `A room of ${whole(members)}, ${count} in flight${suffix(validates)}`;

const suffix = (validates: boolean) => (validates ? ", with `validateOutgoing`" : "");
