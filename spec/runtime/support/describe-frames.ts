import type { RuntimeOptions } from "greenroom";
import { stopServing } from "../../support/serving.ts";
import { frameCases, socketsOfCases } from "./frame-cases.ts";
import { type Echoes, type StartEchoes, serveSpeakers } from "./speakers.ts";

/**
 * The cases of frames, for one kind of client: all that is said to it comes back.
 *
 * @param opened what is to hold of its sockets.
 */
export function describeFrames(
  client: string,
  start: StartEchoes,
  options: Partial<RuntimeOptions<Record<never, never>>> = {},
  opened: (echoes: Echoes) => void = () => {},
): void {
  describe(`for ${client}`, () => {
    let speakers: Awaited<ReturnType<typeof serveSpeakers>>;
    before(async function () {
      this.timeout(60_000); // a browser from npm is unpacked once
      speakers = await serveSpeakers(start, socketsOfCases, options);
      opened(speakers.echoes);
    });
    after(async () => {
      await speakers?.echoes.stop();
      await stopServing();
    });

    for (const { name, turns } of frameCases) it(name, () => speakers.play(turns));
  });
}
