import { describeFrames } from "./support/describe-frames.ts";
import { chromiumEchoes, rawEchoes, undiciEchoes, wsEchoes } from "./support/echoes.ts";

// Python's `websockets` takes the same cases in spec/interop.
describe("frames", () => {
  describeFrames("a client that checks every byte", rawEchoes);
  describeFrames("ws", wsEchoes);
  describeFrames("undici", undiciEchoes);
  describeFrames("Chromium", chromiumEchoes);
});
