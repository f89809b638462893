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
