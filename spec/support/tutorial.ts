import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { Client } from "./client.ts";

export const tutorial = fileURLToPath(new URL("../../docs/tutorial", import.meta.url));

export const pages = [
  "1-preparation.md",
  "2-system-messages.md",
  "3-room-chat.md",
  "4-background-jobs.md",
  "5-showcase.md",
  "6-customisations.md",
  "7-contract.md",
] as const;

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
