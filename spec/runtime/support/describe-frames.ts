import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { expect } from "chai";
import { makeCertificate } from "../../support/certificate.ts";
import { stopServing } from "../../support/serving.ts";
import { frameCases, socketsOfCases } from "./frame-cases.ts";
import { type StartEchoes, serveSpeakers } from "./speakers.ts";

/** Specs of all frame cases for one kind of client, which echoes every frame. */
export function describeFrames(
  client: string,
  start: StartEchoes,
  { compression = false, tls = false }: { readonly compression?: boolean; readonly tls?: boolean } = {},
): void {
  describe(`for ${client}`, () => {
    let speakers: Awaited<ReturnType<typeof serveSpeakers>>;
    before(async function () {
      this.timeout(60_000); // a browser from npm is unpacked once
      const server = tls ? createSecureServer(await makeCertificate()) : createServer();
      speakers = await serveSpeakers(start, socketsOfCases, { compression }, server);
      for (const extension of speakers.echoes.extensions) {
        expect(extension.includes("permessage-deflate")).to.equal(compression);
      }
    });
    after(async () => {
      await speakers?.echoes.stop();
      await stopServing();
    });

    for (const { name, turns } of frameCases) {
      it(`arrive unchanged: ${name}`, () => speakers.play(turns));
    }
  });
}
