import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { Client } from "./client.ts";
import { codeBlocks } from "./code-blocks.ts";

export const tutorial = fileURLToPath(new URL("../../docs/tutorial", import.meta.url));

export const pages = [
  "1-preparation.md",
  "2-system-messages.md",
  "3-room-chat.md",
  "4-background-jobs.md",
  "5-showcase.md",
  "6-customisations.md",
  "7-contract.md",
  "8-named-actors.md",
] as const;

/** Writes the files of the tutorial into `folder`: for each page, into a folder of its name, as they are after it. */
export async function writeSteps(folder: string): Promise<void> {
  let before: string | undefined;
  for (const page of pages) {
    const step = join(folder, page);
    if (before === undefined) await mkdir(step);
    else await cp(before, step, { recursive: true });
    for (const { file, code } of codeBlocks(await readFile(join(tutorial, page), "utf8"))) {
      if (file !== undefined && file !== "tsconfig.json") await writeFile(join(step, file), code);
    }
    before = step;
  }
}

/** Checks that two clients chat in the room `general`, as in step 3. @returns both, which stay connected */
export async function chatInRoom(address: string): Promise<{ readonly one: Client; readonly two: Client }> {
  const url = `${address}/ws/room/general`;
  const joined = "🚪 Someone joined room 'general'";
  const one = await Client.open(url);
  expect(await one.next()).to.equal(joined);
  const two = await Client.open(url);
  expect([await one.next(), await two.next()]).to.deep.equal([joined, joined]);
  one.send("hello");
  expect([await one.next(), await two.next()]).to.deep.equal(["💬 hello", "💬 hello"]);
  return { one, two };
}

/**
 * Checks that two clients talk in the room `general`, as in step 7, and that the server refuses a frame that does not
 * fit the contract.
 */
export async function talkInRoom(address: string): Promise<void> {
  const url = `${address}/ws/talk/general`;
  const said = (message: string) => JSON.stringify({ type: "said", message });
  const one = await Client.open(url);
  expect(await one.next()).to.equal(said("🚪 Someone joined"));
  const two = await Client.open(url);
  expect([await one.next(), await two.next()]).to.deep.equal(Array(2).fill(said("🚪 Someone joined")));
  one.send(JSON.stringify({ type: "say", message: "" }));
  const { type, code, issues } = JSON.parse(String(await one.next()));
  expect([type, code]).to.deep.equal(["greenroom.error", "greenroom.invalid"]);
  expect(issues.map(({ path }: { path: unknown }) => path)).to.deep.equal([["message"]]);
  one.send(JSON.stringify({ type: "say", message: "hello" }));
  expect([await one.next(), await two.next()]).to.deep.equal(Array(2).fill(said("💬 Someone: hello")));
  await two.close();
  expect(await one.next()).to.equal(said("👋 Someone left"));
  await one.close();
}

/** Checks that a lot is opened for 5 s, gets a bid, refuses a lower one, and is sold, as in step 8. */
export async function bidOnLot(address: string): Promise<void> {
  const client = await Client.open(`${address}/ws/lot/${Date.now()}`);
  const next = async () => {
    const { type, code, state, amount, by } = JSON.parse(String(await client.next()));
    return type === "lot" ? [state, amount, by] : code;
  };
  const send = (frame: object) => client.send(JSON.stringify(frame));
  expect(await next()).to.deep.equal(["idle", 0, null]);
  send({ type: "open", seconds: 5 });
  expect(await next()).to.deep.equal(["open", 0, null]);
  send({ type: "bid", by: "Ann", amount: 100 });
  expect(await next()).to.deep.equal(["open", 100, "Ann"]);
  send({ type: "bid", by: "Bob", amount: 100 });
  expect(await next()).to.equal("too_low");
  expect(await next()).to.deep.equal(["sold", 100, "Ann"]);
  await client.close();
}
