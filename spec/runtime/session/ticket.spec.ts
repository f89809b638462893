import { randomBytes } from "node:crypto";
import { expect } from "chai";
import type { Position } from "../../../layers/message.ts";
import {
  maxTicketLength,
  openTicket,
  sealTicket,
  sessionHash,
  type Ticket,
} from "../../../runtime/session/ticket.ts";

const secret = randomBytes(32);
const holder = { path: "/ws/room", userKey: "ada" };
const ticket: Ticket = {
  session: sessionHash("node.secret"),
  channel: "0123456789abcdef0123!1",
  floors: new Map([
    ["room", { epoch: "1796048456533289", offset: 17 }],
    ["lobby", { epoch: "", offset: 0 }],
  ]),
};
const [now, expiresAt] = [1_800_000_000_000, 1_800_000_060_000];
const sealed = () => sealTicket(secret, ticket, holder, expiresAt);
const open = (text: unknown, { key = secret, of = holder, at = now } = {}) => openTicket(key, text, of, at);

describe("a ticket", () => {
  it("can be opened with the secret that sealed it, by its holder, until it expires", () => {
    expect(open(sealed())).to.deep.equal(ticket);
    expect(open(sealed(), { at: expiresAt - 1 })).to.deep.equal(ticket);
  });

  it("cannot be opened with another secret, by another user or at another path, or once it has expired", () => {
    const text = sealed();
    expect(open(text, { key: randomBytes(32) })).to.equal(undefined);
    expect(open(text, { of: { ...holder, userKey: "bob" } })).to.equal(undefined);
    expect(open(text, { of: { ...holder, path: "/ws/other" } })).to.equal(undefined);
    expect(open(text, { of: { path: '/ws/room","ada', userKey: "" } })).to.equal(undefined);
    expect(open(text, { at: expiresAt })).to.equal(undefined);
  });

  it("cannot be changed, shortened or continued", () => {
    const bytes = Buffer.from(sealed(), "base64url");
    for (let index = 0; index < bytes.length; index += 1) {
      const changed = Buffer.from(bytes);
      changed[index] = (changed[index] as number) ^ 1;
      expect(open(changed.toString("base64url")), `byte ${index}`).to.equal(undefined);
      expect(open(bytes.toString("base64url", 0, index)), `${index} bytes`).to.equal(undefined);
    }
    expect(open(Buffer.concat([bytes, bytes]).toString("base64url"))).to.equal(undefined);
  });

  it("cannot be anything that a client makes up", () => {
    const texts = [
      "",
      "a",
      "A".repeat(maxTicketLength),
      "A".repeat(10_000_000),
      "ünïcödé".repeat(20),
      "\u0001",
    ];
    for (const text of [...texts, undefined, null, 1, {}, [], [sealed()], { length: 3 }]) {
      expect(open(text)).to.equal(undefined);
    }
  });

  it("reveals nothing of its content, and is another one each time", () => {
    const [one, other] = [sealed(), sealed()];
    expect(one).not.to.equal(other);
    expect(one).to.match(/^[\w-]+$/);
    for (const fact of ["room", "0123456789abcdef", "1796048456533289"]) {
      expect(Buffer.from(one, "base64url").includes(fact)).to.equal(false);
    }
  });

  it("leaves out the first groups if they do not all fit into 4 KiB", () => {
    const names = Array.from({ length: 200 }, (_, index) => `${index}`.padEnd(99, "x"));
    const position: Position = { epoch: "1796048456533289", offset: Number.MAX_SAFE_INTEGER };
    const floors = new Map(names.map((name) => [name, position] as const));
    const text = sealTicket(secret, { ...ticket, floors }, holder, expiresAt);
    expect(text.length).to.be.within(maxTicketLength - 250, maxTicketLength);
    const kept = [...(open(text)?.floors ?? [])];
    expect(kept.length).to.be.greaterThan(20);
    expect(kept).to.deep.equal([...floors].slice(-kept.length));
  });

  it("fits into 4 KiB for groups and epochs of any length", () => {
    for (let length = 1; length < 99; length += 1) {
      const names = Array.from({ length: 300 }, (_, index) => `${index}`.padEnd(length, "x"));
      const floors = new Map(
        names.map((name) => [name, { epoch: "é".repeat(length), offset: length }] as const),
      );
      const text = sealTicket(secret, { ...ticket, floors }, holder, expiresAt);
      expect(text.length).to.be.at.most(maxTicketLength);
      expect(open(text)).not.to.equal(undefined);
    }
  });

  it("contains no part of the session's id", () => {
    expect(sessionHash("node.secret")).to.match(/^[\w-]{22}$/);
    expect(sessionHash("node.secret")).not.to.equal(sessionHash("node.secret2"));
  });
});
