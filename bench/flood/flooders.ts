import { setTimeout as pause } from "node:timers/promises";
import { Connection } from "../harness/client/connection.ts";
import { now } from "../harness/clock.ts";
import { serveTasks } from "../harness/worker-process.ts";
import { type ProtocolName, protocols, shortestText } from "./plan.ts";

/** The bytes of one write. */
const chunkBytes = 65_536;

interface Flood {
  /** The length of one frame. */
  readonly frameBytes: number;
  /** The number of connections that the server ended. */
  readonly cutOff: number;
  /** The time of {@link now} at which the last flooder left. */
  readonly leftAt: number;
}

let flooders: readonly Connection[] = [];

const tasks = {
  /** @param rooms the numbers of the rooms, one for each flooder */
  async open(port: number, protocol: ProtocolName, rooms: readonly number[]): Promise<void> {
    const join = (room: number) => Connection.open(port, protocols[protocol], `${room}`);
    flooders = await Promise.all(rooms.map(join));
  },
  async flood(protocol: ProtocolName, rooms: readonly number[], ms: number): Promise<Flood> {
    let [cutOff, frameBytes] = [0, 0];
    for (const [index, flooder] of flooders.entries()) {
      const frame = flooder.frame(shortestText[protocol](rooms[index] ?? 0));
      frameBytes = frame.length;
      const frames = Array.from({ length: Math.ceil(chunkBytes / frame.length) }, () => frame);
      let isOpen = true;
      flooder.listen(
        () => {},
        () => {
          if (isOpen) cutOff += 1;
          isOpen = false;
        },
      );
      flooder.flood(Buffer.concat(frames));
    }
    await pause(ms);
    const counted = cutOff;
    for (const flooder of flooders) flooder.abort();
    return { frameBytes, cutOff: counted, leftAt: now() };
  },
};
export type FlooderTasks = typeof tasks;

serveTasks(tasks);
