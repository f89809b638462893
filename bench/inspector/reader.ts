import { once } from "node:events";
import { WebSocket } from "ws";
import { serveTasks } from "../harness/worker-process.ts";

/** A client of the inspector. Like the page, it receives all reports and a list of 50 actors. */
const tasks = {
  /** Resolves when the list has arrived. */
  async open(url: string): Promise<void> {
    const socket = new WebSocket(url);
    await once(socket, "open");
    socket.send(JSON.stringify({ type: "list", sort: "newest", offset: 0, limit: 50 }));
    await new Promise<void>((resolve) => {
      socket.on("message", (report) => {
        const { type } = JSON.parse(String(report)) as { readonly type: string };
        if (type === "list") resolve();
      });
    });
  },
};
export type ReaderTasks = typeof tasks;

serveTasks(tasks);
