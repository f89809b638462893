import type { Frame } from "../../actors/index.ts";
import { ExpectationError } from "./expectation-error.ts";
import type { TestClient } from "./test-client.ts";
import { type WaitOptions, waitFor } from "./wait-for.ts";

/** @throws {ExpectationError} if no frame arrives in time, or if none is left and the connection has closed. */
export async function nextFrame(
  client: Pick<TestClient, "arrivals" | "closed">,
  options: WaitOptions,
): Promise<Frame> {
  const { arrivals } = client;
  await waitFor(arrivals.whenReady(), options, (ms) => `No frame arrived within ${ms} ms (${arrivals}).`);
  const frame = arrivals.shift();
  if (frame !== undefined) return frame;
  const { code, reason } = await client.closed;
  throw new ExpectationError(
    `No more frames arrive: the connection closed with ${code} ${JSON.stringify(reason)} (${arrivals}).`,
  );
}

/** @throws {ExpectationError} if the frame is not JSON. */
export function parseJson(frame: Frame): unknown {
  if (typeof frame !== "string")
    throw new ExpectationError(
      `Expected a text frame with JSON, but received a binary frame of ${frame.byteLength} bytes.`,
    );
  try {
    return JSON.parse(frame);
  } catch (cause) {
    throw new ExpectationError(
      `Expected a text frame with JSON, but received other text: ${JSON.stringify(frame)}.`,
      { cause },
    );
  }
}
