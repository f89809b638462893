import { fileURLToPath } from "node:url";
import { describeFrames } from "../runtime/support/describe-frames.ts";
import { chromiumEchoes, rawEchoes, undiciEchoes, wsEchoes } from "../runtime/support/echoes.ts";
import type { StartEchoes } from "../runtime/support/speakers.ts";
import { startProcess } from "../support/child-process.ts";

// Needs Debian's python3-websockets, which .ci/run installs; `npm test` has the same cases for clients in
// Node.

const peer = fileURLToPath(new URL("websockets_peer.py", import.meta.url));
const python = process.env.PYTHON ?? "/usr/bin/python3";

const pythonEchoes: StartEchoes = async (url, count) => {
  const extensions: string[] = [];
  const running = await startProcess(python, [peer, url.replace("http", "ws"), `${count}`], (line) => {
    if (line.startsWith("opened ")) extensions.push(line.slice("opened ".length));
    return line === "ready";
  });
  return {
    extensions,
    complaints: [],
    async stop() {
      if (running.isRunning) process.kill(running.pid);
      await running.exited;
    },
  };
};

describe("frames", () => {
  describeFrames("Chromium", chromiumEchoes);
  describeFrames("Python's websockets", pythonEchoes);
});

describe("compressed frames", () => {
  for (const [client, start] of [
    ["a client that checks every byte", rawEchoes("permessage-deflate; client_max_window_bits")],
    ["ws", wsEchoes],
    ["undici", undiciEchoes],
    ["Chromium", chromiumEchoes],
    ["Python's websockets", pythonEchoes],
  ] as const) {
    describeFrames(client, start, { compression: true });
  }
});
