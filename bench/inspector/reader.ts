import { once } from "node:events";
import { WebSocket } from "ws";
import { answerTasks } from "../remote-process.ts";

/** The process of one who looks, as the page does: it is told of everything, and of 50 actors one by one. */
export interface ReaderTasks {
  /** Resolves once it has been told of the actors. */
  open(url: string): Promise<void>;
}

const tasks: ReaderTasks = {
  async open(url) {
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

answerTasks<ReaderTasks>(tasks);
