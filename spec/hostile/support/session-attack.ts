import { once } from "node:events";
import { connect } from "node:net";
import { expect } from "chai";
import { handlers, WebSocketConsumer } from "greenroom";
import { controlText } from "../../../protocol/control-frames.ts";
import { until } from "../../layers/support/until.ts";
import { SessionClient } from "../../runtime/support/session-client.ts";
import { sessionsOf } from "../../runtime/support/session-rig.ts";
import { Client } from "../../support/client.ts";
import { gate } from "../../support/gate.ts";
import { oneAddress } from "../../support/one-address.ts";
import { encodeFrame, Opcode, upgradeRequest } from "../../support/raw-websocket.ts";
import { chat, serve } from "../../support/serving.ts";

/** A room of texts: each member gets what any member writes. */
class TextRoom extends WebSocketConsumer<{ messages: { text: { text: string } } }> {
  static override readonly layer = "chat";
  static override readonly on = handlers<TextRoom>({
    text({ text }) {
      this.send(text);
    },
  });
  static hold = gate();
  override async connect() {
    if (!this.scope.query.has("alone")) await this.groupAdd("room");
  }
  override async receive(text: string) {
    if (text === "hold") await TextRoom.hold.opened;
    else if (text.startsWith("echo ")) this.send(text.slice(5));
    else if (text.startsWith("fill "))
      for (let n = 0; n < 100; n += 1) this.send(`${n}${"x".repeat(Number(text.slice(5)))}`);
    else await this.groupSend("room", { type: "text", text });
  }
}

/** A runtime with a bystander, who is served and whose session outlives every attack. */
export async function startAttack() {
  TextRoom.hold = gate();
  const serving = await serve({ layers: chat(), ...oneAddress });
  const { runtime } = serving;
  runtime.route("/ws", TextRoom);
  const url = `${serving.url}/ws`;
  const sessions = sessionsOf(serving as never);
  const plain = await Client.open(`${url}?alone`);
  const bystander = await SessionClient.open(`${url}?alone`);
  const { session } = await bystander.nextControl();
  let echoes = 0;
  /** Checks that both bystanders get their echoes. */
  const check = async () => {
    echoes += 1;
    for (const each of [plain, bystander]) {
      each.send(`echo here ${echoes}`);
      expect(await each.next()).to.equal(`here ${echoes}`);
    }
    expect(await bystander.nextControl()).to.deep.equal({ c: "ack", n: echoes });
    bystander.control({ c: "ack", n: echoes });
  };
  /** Checks that nothing of the attackers is left. */
  const checkNothingLeft = async () => {
    await check();
    await until(() => runtime.size === 2 && sessions.size === 1 && sessions.frames.bytes === 0);
    expect([sessions.awayCount, sessions.requests.size]).to.deep.equal([0, 0]);
    expect({}).not.to.have.property("c");
  };
  const attack = async () => {
    const client = await SessionClient.open(`${url}?alone`);
    const hello = await client.nextControl();
    return { client, session: String(hello.session) };
  };
  return {
    ...serving,
    url,
    sessions,
    bystander,
    session: String(session),
    check,
    checkNothingLeft,
    attack,
    hold: TextRoom.hold,
  };
}

/** Resumes sessions that do not exist, `width` at a time. */
export async function resumeNothing(url: string, count: number, width: number): Promise<void> {
  const { port, pathname } = new URL(url);
  let left = count;
  const one = async () => {
    while (left > 0) {
      left -= 1;
      expect(await resumeOnce(Number(port), pathname, `node.${left}`), "the answer").to.include("gone");
    }
  };
  await Promise.all(Array.from({ length: width }, one));
}

/** The code 3993, as the bytes of a close frame. */
const goneCode = Buffer.from([3993 >> 8, 3993 & 0xff]);
const goneProtocols = { "Sec-WebSocket-Protocol": "greenroom.v1, greenroom.resume" };

/** Resumes a session in one write, which costs less than a client of ws does. @returns all that the server sends. */
async function resumeOnce(port: number, path: string, session: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  const resume = controlText({ c: "resume", session, try: 1, got: 0 });
  socket.write(upgradeRequest(path, goneProtocols));
  socket.write(encodeFrame(Opcode.text, resume));
  let answer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    answer = Buffer.concat([answer, chunk]);
    if (answer.includes(goneCode)) socket.end(encodeFrame(Opcode.close, goneCode));
  });
  await once(socket, "close");
  return String(answer);
}
