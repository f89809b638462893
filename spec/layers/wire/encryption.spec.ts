import { inspect } from "node:util";
import { expect } from "chai";
import { InvalidOptionError } from "../../../layers/errors.ts";
import { MemoryBackend } from "../../../layers/memory/memory-backend.ts";
import { MemoryBus } from "../../../layers/memory/memory-bus.ts";
import { MemoryLayer } from "../../../layers/memory/memory-layer.ts";
import { Recorder } from "../../../layers/testing/index.ts";
import { decode, maxPayloadBytes } from "../../../layers/wire/codec.ts";
import { createEncryption, maxEncryptedBytes } from "../../../layers/wire/encryption.ts";

const bytes = (text: string) => Buffer.from(text);

describe("createEncryption", () => {
  it("leaves payloads as they are where there is no encryption", () => {
    const { encrypt, decrypt } = createEncryption(undefined);
    const payload = bytes("hello");
    expect(encrypt(payload)).to.equal(payload);
    expect(decrypt(payload)).to.equal(payload);
  });

  it("takes each secret as a text or as its bytes, of any length", () => {
    for (const secret of ["s", "größe", "x".repeat(1_000)]) {
      const { encrypt } = createEncryption({ keys: [secret] });
      const { decrypt } = createEncryption({ keys: [new Uint8Array(bytes(secret))] });
      expect(decrypt(encrypt(bytes("hello")))).to.deep.equal(bytes("hello"));
    }
  });

  it("decrypts what Python encrypts with the same secret, as channels_redis derives its key", () => {
    // Fernet(urlsafe_b64encode(sha256("schlüssel".encode()).digest())) of python3-cryptography, over
    // msgpack.packb({"type": "room.message", "message": "hi"}).
    const token =
      "gAAAAABlU_EAAAECAwQFBgcICQoLDA0OD9dB9Cx44JokNcVl6vkSk9qqVgsBeUTFo-pxFVrWfoAH_kIJWDN380HaqiEyxvyK7kWJtg_F5O8A" +
      "abAWEKNOP1k=";
    const payload = createEncryption({ keys: ["schlüssel"] }).decrypt(bytes(token)) ?? new Uint8Array();
    expect(decode(payload).message).to.deep.equal({ type: "room.message", message: "hi" });
  });

  it("encrypts with the first key and decrypts with all", () => {
    const old = createEncryption({ keys: ["old"] });
    const both = createEncryption({ keys: ["new", "old"] });
    const renewed = createEncryption({ keys: ["new"] });
    expect(both.decrypt(old.encrypt(bytes("a")))).to.deep.equal(bytes("a"));
    expect(renewed.decrypt(both.encrypt(bytes("b")))).to.deep.equal(bytes("b"));
    expect(old.decrypt(both.encrypt(bytes("c")))).to.equal(undefined);
    expect(renewed.decrypt(old.encrypt(bytes("d")))).to.equal(undefined);
  });

  it("decrypts what a payload of the largest size becomes, and looks into nothing beyond its limit", () => {
    const { encrypt, decrypt } = createEncryption({ keys: ["key"] });
    const largest = encrypt(new Uint8Array(maxPayloadBytes));
    expect(largest.length).to.be.at.most(maxEncryptedBytes);
    expect(decrypt(largest)).to.have.length(maxPayloadBytes);
    // An encrypted payload is longer by 57 to 73 bytes, and then by a third.
    const beyond = encrypt(new Uint8Array(maxEncryptedBytes * 0.75));
    expect(beyond.length).to.be.greaterThan(maxEncryptedBytes);
    expect(decrypt(beyond)).to.equal(undefined);
  });

  it("refuses to work without keys, and never shows one", () => {
    const refusals: [unknown, string][] = [
      [[], "`encryption.keys` is empty: give one key at least, or leave out `encryption`."],
      ["very secret", "`encryption.keys` is a list, also of a single key."],
      [undefined, "`encryption.keys` is a list"],
      [["very secret", ""], "`encryption.keys[1]` is empty."],
      [[new Uint8Array()], "`encryption.keys[0]` is empty."],
      [["very secret", undefined], "`encryption.keys[1]` is neither a text nor bytes."],
      [[["very secret"]], "`encryption.keys[0]` is neither a text nor bytes."],
    ];
    for (const [keys, message] of refusals) {
      const make = () => new MemoryLayer({ encryption: { keys: keys as string[] } });
      expect(make).to.throw(InvalidOptionError, message).with.property("code", "ERR_INVALID_OPTION");
      expect(make).to.throw().with.property("message").that.does.not.include("secret");
    }
  });

  it("forgets the secrets themselves", () => {
    const secret = Uint8Array.from({ length: 32 }, (_, index) => index);
    const encryption = createEncryption({ keys: [secret] });
    const encrypted = encryption.encrypt(bytes("hello"));
    secret.fill(0);
    expect(encryption.decrypt(encrypted)).to.deep.equal(bytes("hello"));
  });
});

describe("an encrypted layer", () => {
  let bus: MemoryBus;
  let layers: MemoryLayer[];
  let reports: string[];
  beforeEach(() => {
    bus = new MemoryBus();
    layers = [];
    reports = [];
  });
  afterEach(() => Promise.all(layers.map((layer) => layer.close())));

  function start(...keys: string[]): MemoryLayer {
    const layer = new MemoryLayer({
      bus,
      onError: (error) => reports.push((error as Error).message),
      ...(keys.length > 0 && { encryption: { keys } }),
    });
    layers.push(layer);
    return layer;
  }

  async function join(layer: MemoryLayer): Promise<{ channel: string; inbox: Recorder }> {
    const inbox = new Recorder();
    const channel = await layer.newChannel(inbox);
    await layer.groupAdd("group", channel);
    return { channel, inbox };
  }

  it("shows nothing of a message to who listens in, group or direct", async () => {
    const seen: string[] = [];
    const layer = start("key");
    const { channel, inbox } = await join(layer);
    for (const topic of ["greenroom__group__group", `greenroom__node__${layer.node}`]) {
      bus.subscribe(topic, (_, payload) => seen.push(Buffer.from(payload).toString("latin1")));
    }
    await layer.groupSend("group", { type: "speech", text: "to be" }, { except: "nobody" });
    await layer.send(channel, { type: "aside", text: "or not" });
    await inbox.next("aside");
    expect(seen).to.have.length(2);
    for (const payload of seen) expect(payload).to.match(/^gAAAAA[\w-]+=*$/);
  });

  it("carries messages while keys are changed, node by node", async () => {
    // Each node's keys: first as they were, then with the new one last, then first, then alone.
    const steps = [["old"], ["old", "new"], ["new", "old"], ["new"]];
    for (const [index, keys] of steps.entries()) {
      const [one, other] = [start(...keys), start(...(steps[index + 1] ?? keys))];
      const [mine, theirs] = [await join(one), await join(other)];
      await one.groupSend("group", { type: "one" });
      await other.groupSend("group", { type: "other" });
      for (const { inbox } of [mine, theirs]) await Promise.all([inbox.next("one"), inbox.next("other")]);
      await Promise.all([one.close(), other.close()]);
    }
    expect(reports).to.deep.equal([]);
  });

  it("drops, counts and reports what comes from nodes with other keys or none", async () => {
    const layer = start("key");
    const { channel, inbox } = await join(layer);
    const [stranger, plain] = [start("another"), start()];
    for (const other of [stranger, plain]) {
      await other.groupSend("group", { type: "forged" });
      await other.send(channel, { type: "forged" });
    }
    await layer.groupSend("group", { type: "end" });
    await inbox.next("end");
    expect(inbox.types).to.deep.equal(["end"]);
    expect(layer.counters().dropped).to.deep.equal({ undecryptable: 4 });
    const said = (topic: string) =>
      `A payload on "${topic}" cannot be decrypted with the keys of this layer.`;
    const [group, own] = [said("greenroom__group__group"), said(`greenroom__node__${layer.node}`)];
    expect(reports).to.deep.equal([group, own, group, own]);
  });

  it("is garbage to a node without keys", async () => {
    const plain = start();
    const { inbox } = await join(plain);
    await start("key").groupSend("group", { type: "secret" });
    await plain.groupSend("group", { type: "end" });
    await inbox.next("end");
    expect(inbox.types).to.deep.equal(["end"]);
    expect(plain.counters().dropped).to.deep.equal({ garbage: 1 });
  });

  it("takes what is well encrypted and no message for garbage", async () => {
    const layer = start("key");
    const { inbox } = await join(layer);
    const raw = new MemoryBackend(bus, "greenroom");
    await raw.publish(
      "greenroom__group__group",
      createEncryption({ keys: ["key"] }).encrypt(bytes("no message")),
    );
    await layer.groupSend("group", { type: "end" });
    await inbox.next("end");
    expect(layer.counters().dropped).to.deep.equal({ garbage: 1 });
  });

  it("shows no key, however it is looked at", async () => {
    const layer = start("very secret");
    await join(layer);
    const shown = inspect(layer, { depth: null, showHidden: true }) + JSON.stringify(layer);
    expect(shown).not.to.include("secret");
  });
});
