import type { ChannelLayer } from "../channel-layer.ts";

/** Resolves once all have been taken. */
export async function sendNumbers(
  layer: ChannelLayer,
  channel: string,
  from: number,
  to: number,
): Promise<void> {
  await Promise.all(numbers(from, to).map((number) => layer.send(channel, { type: "job", number })));
}

export const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** A promise that is settled from outside. */
export function handle() {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { released, release };
}
