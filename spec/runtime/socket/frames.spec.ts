import { describeFrames } from "../support/describe-frames.ts";
import { rawEchoes, undiciEchoes, wsEchoes } from "../support/echoes.ts";

// Chromium and Python's `websockets` take the same cases in spec/interop.
describe("frames", () => {
  describeFrames("a client that checks every byte", rawEchoes());
  describeFrames("ws", wsEchoes);
  describeFrames("ws, over TLS", wsEchoes, { tls: true });
  describeFrames("undici", undiciEchoes);
});
