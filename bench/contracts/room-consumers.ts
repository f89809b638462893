import { z } from "zod";
import { contract } from "../../contract/index.ts";
import {
  type ConsumerClass,
  contractConsumer,
  frames,
  handlers,
  JsonWebSocketConsumer,
  relay,
  relayAs,
  WebSocketConsumer,
} from "../../index.ts";
import { firstSeat } from "./protocol.ts";

interface Said {
  said: { text: string };
}

interface Spoken {
  spoken: { text: string };
}

/** The message of the control has the text of the frame. */
interface Encoded {
  encoded: { frame: string };
}

const room = "room";
const text = z.string().max(200);

const roomChat = contract({
  path: "/",
  client: { say: z.object({ text }) },
  server: { joined: z.boolean(), said: z.object({ text }) },
});

/** The contract of a room whose server tells each member its own seat. */
const seatedChat = contract({
  path: "/",
  client: { say: z.object({ text }) },
  server: { joined: z.boolean(), said: z.object({ text, seat: z.number() }) },
});

export class Constant extends WebSocketConsumer<{ messages: Encoded }> {
  static override readonly layer = "chat";
  static override readonly on = handlers<Constant>({
    encoded({ frame }) {
      this.send(frame);
    },
  });
  override async connect() {
    await this.accept();
    await this.groupAdd(room);
    this.send('{"type":"joined","value":true}');
  }
  override receive(frame: string) {
    const { text } = JSON.parse(frame);
    return this.groupSend(room, { type: "encoded", frame: JSON.stringify({ type: "said", text }) });
  }
}

class SendJson extends JsonWebSocketConsumer<{ messages: Said }> {
  static override readonly layer = "chat";
  static override readonly on = handlers<SendJson>({
    said(message) {
      this.sendJson(message);
    },
  });
  override async connect() {
    await this.accept();
    await this.groupAdd(room);
    this.sendJson({ type: "joined", value: true });
  }
  override receive(value: unknown) {
    return this.groupSend(room, { type: "said", text: (value as Said["said"]).text });
  }
}

export class Relay extends contractConsumer(roomChat)<{ messages: Said }> {
  static override readonly layer = "chat";
  static override readonly frames = frames<Relay>({
    say({ text }) {
      return this.groupSend(room, { type: "said", text });
    },
  });
  static override readonly on = handlers<Relay>({ said: relay });
  override async connect() {
    await this.accept();
    await this.groupAdd(room);
    this.send("joined", true);
  }
}

class RelayAs extends contractConsumer(roomChat)<{ messages: Spoken }> {
  static override readonly layer = "chat";
  static override readonly frames = frames<RelayAs>({
    say({ text }) {
      return this.groupSend(room, { type: "spoken", text });
    },
  });
  static override readonly on = handlers<RelayAs>({ spoken: relayAs("said") });
  override async connect() {
    await this.accept();
    await this.groupAdd(room);
    this.send("joined", true);
  }
}

class PassOn extends Relay {
  static override readonly on = handlers<PassOn>({
    said(message) {
      this.send("said", message);
    },
  });
}

/** Builds an equal payload for all members. */
class Build extends Relay {
  static override readonly on = handlers<Build>({
    said({ text }) {
      this.send("said", { text });
    },
  });
}

let seats = 0;

/** Builds another payload for each member. */
class BuildEach extends contractConsumer(seatedChat)<{ messages: Said }> {
  static override readonly layer = "chat";
  static override readonly frames = frames<BuildEach>({
    say({ text }) {
      return this.groupSend(room, { type: "said", text });
    },
  });
  static override readonly on = handlers<BuildEach>({
    said({ text }) {
      this.send("said", { text, seat: this.seat });
    },
  });
  readonly seat = firstSeat + seats++;
  override async connect() {
    await this.accept();
    await this.groupAdd(room);
    this.send("joined", true);
  }
}

/** Each consumer joins one room. A text that it receives goes to all members as a frame of the type `said`. */
export const consumers = {
  constant: Constant,
  sendJson: SendJson,
  relay: Relay,
  relayAs: RelayAs,
  passOn: PassOn,
  build: Build,
  buildEach: BuildEach,
} satisfies Record<string, ConsumerClass>;

export type RoomRow = keyof typeof consumers;
