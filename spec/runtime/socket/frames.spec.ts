import { describeFrames } from "../support/describe-frames.ts";
import { rawEchoes, undiciEchoes, wsEchoes } from "../support/echoes.ts";

// spec/interop runs the same cases with Chromium and Python's `websockets`.
describe("Frames", () => {
  describeFrames("a client that checks every byte", rawEchoes());
  describeFrames("ws", wsEchoes);
  describeFrames("ws, over TLS", wsEchoes, { tls: true });
  describeFrames("undici", undiciEchoes);
});
