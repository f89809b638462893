import { inspect } from "node:util";
import { expect } from "chai";
import { InvalidOptionError } from "../../../layers/errors.ts";
import { MemoryBackend } from "../../../layers/memory/memory-backend.ts";
import { MemoryBus } from "../../../layers/memory/memory-bus.ts";
import { MemoryLayer } from "../../../layers/memory/memory-layer.ts";
import { Recorder } from "../../../layers/testing/index.ts";
import { decode, encode, maxPayloadBytes } from "../../../layers/wire/codec.ts";
import { createEncryption, maxEncryptedBytes } from "../../../layers/wire/encryption.ts";

const bytes = (text: string) => Buffer.from(text);

describe("createEncryption", () => {
  it("returns payloads unchanged without options", () => {
    const { encrypt, decrypt } = createEncryption(undefined);
    const payload = bytes("hello");
    expect(encrypt(payload)).to.equal(payload);
    expect(decrypt(payload)).to.equal(payload);
  });

  it("accepts secrets of any length, as strings or as bytes", () => {
    for (const secret of ["s", "größe", "x".repeat(1_000)]) {
      const { encrypt } = createEncryption({ keys: [secret] });
      const { decrypt } = createEncryption({ keys: [new Uint8Array(bytes(secret))] });
      expect(decrypt(encrypt(bytes("hello")))).to.deep.equal(bytes("hello"));
    }
  });

  it("decrypts a token that Python encrypted with the key derivation of channels_redis", () => {
    // Fernet(urlsafe_b64encode(sha256("schlüssel".encode()).digest())) of python3-cryptography, over
    // msgpack.packb({"type": "room.message", "message": "hi"}).
    const token =
      "gAAAAABlU_EAAAECAwQFBgcICQoLDA0OD9dB9Cx44JokNcVl6vkSk9qqVgsBeUTFo-pxFVrWfoAH_kIJWDN380HaqiEyxvyK7kWJtg_F5O8A" +
      "abAWEKNOP1k=";
    const payload = createEncryption({ keys: ["schlüssel"] }).decrypt(bytes(token)) ?? new Uint8Array();
    expect(decode(payload).message).to.deep.equal({ type: "room.message", message: "hi" });
  });

  it("encrypts with the first key and decrypts with every key", () => {
    const old = createEncryption({ keys: ["old"] });
    const both = createEncryption({ keys: ["new", "old"] });
    const renewed = createEncryption({ keys: ["new"] });
    expect(both.decrypt(old.encrypt(bytes("a")))).to.deep.equal(bytes("a"));
    expect(renewed.decrypt(both.encrypt(bytes("b")))).to.deep.equal(bytes("b"));
    expect(old.decrypt(both.encrypt(bytes("c")))).to.equal(undefined);
    expect(renewed.decrypt(old.encrypt(bytes("d")))).to.equal(undefined);
  });

  it("decrypts the largest payload, and ignores encrypted payloads beyond its limit", () => {
    const { encrypt, decrypt } = createEncryption({ keys: ["key"] });
    const largest = encrypt(new Uint8Array(maxPayloadBytes));
    expect(largest.length).to.be.at.most(maxEncryptedBytes);
    expect(decrypt(largest)).to.have.length(maxPayloadBytes);
    // Encryption adds 57 to 73 bytes, and base64 then a third.
    const beyond = encrypt(new Uint8Array(maxEncryptedBytes * 0.75));
    expect(beyond.length).to.be.greaterThan(maxEncryptedBytes);
    expect(decrypt(beyond)).to.equal(undefined);
  });

  it("refuses missing and invalid keys, and never shows one", () => {
    const refusals: [unknown, string][] = [
      [[], "`encryption.keys` is empty. Add a key, or omit `encryption`."],
      ["very secret", "`encryption.keys` must be an array, even for a single key."],
      [undefined, "`encryption.keys` must be an array"],
      [["very secret", ""], "`encryption.keys[1]` must not be empty."],
      [[new Uint8Array()], "`encryption.keys[0]` must not be empty."],
      [["very secret", undefined], "`encryption.keys[1]` must be a string or a Uint8Array."],
      [[["very secret"]], "`encryption.keys[0]` must be a string or a Uint8Array."],
    ];
    for (const [keys, message] of refusals) {
      const make = () => new MemoryLayer({ encryption: { keys: keys as string[] } });
      expect(make).to.throw(InvalidOptionError, message).with.property("code", "ERR_INVALID_OPTION");
      expect(make).to.throw().with.property("message").that.does.not.include("secret");
    }
  });

  it("works after the caller erases a secret", () => {
    const secret = Uint8Array.from({ length: 32 }, (_, index) => index);
    const encryption = createEncryption({ keys: [secret] });
    const encrypted = encryption.encrypt(bytes("hello"));
    secret.fill(0);
    expect(encryption.decrypt(encrypted)).to.deep.equal(bytes("hello"));
  });
});

describe("ChannelLayer with encryption", () => {
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

  it("hides group messages and direct sends from an eavesdropper", async () => {
    const seen: string[] = [];
    const layer = start("key");
    const { channel, inbox } = await join(layer);
    for (const topic of ["greenroom__group__group", `greenroom__node__${layer.node}`]) {
      bus.subscribe(topic, (_, payload) => seen.push(Buffer.from(payload).toString("latin1")));
    }
    await layer.groupSend("group", { type: "speech", text: "to be" }, { except: "none" });
    await layer.send(channel, { type: "aside", text: "or not" });
    await inbox.next("aside");
    expect(seen).to.have.length(2);
    for (const payload of seen) expect(payload).to.match(/^gAAAAA[\w-]+=*$/);
  });

  it("refuses a payload that a program without keys has moved to another topic", async () => {
    const layer = start("key");
    const { channel, inbox } = await join(layer);
    const secrets: Uint8Array[] = [];
    const topics = ["greenroom__group__secret", `greenroom__node__${layer.node}`];
    for (const topic of topics) bus.subscribe(topic, (_, payload) => secrets.push(payload));
    await layer.groupSend("secret", { type: "secret" }, { except: "none" });
    await layer.send(channel, { type: "letter" });
    await inbox.next("letter");
    for (const payload of secrets) bus.publish("greenroom__group__group", payload);
    await layer.groupSend("group", { type: "end" });
    await inbox.next("end");
    expect(inbox.types).to.deep.equal(["letter", "end"]);
    expect(layer.counters().dropped).to.deep.equal({ undecryptable: 2 });
    expect(reports).to.deep.equal(
      secrets.map(() => 'A payload on "greenroom__group__group" was encrypted for another topic.'),
    );
  });

  it("accepts a payload that names no topic, because other programs with the keys send such payloads", async () => {
    const layer = start("key");
    const { inbox } = await join(layer);
    const { encrypt } = createEncryption({ keys: ["key"] });
    bus.publish("greenroom__group__group", encrypt(encode({ type: "from Python" })));
    await inbox.next("from Python");
    expect(layer.counters().dropped).to.deep.equal({});
  });

  it("accepts a job among the dead letters of its queue, and among the dead letters of these", async () => {
    const layer = start("key");
    const handled: string[] = [];
    await layer.send("jobs", { type: "job" });
    await layer.send("jobs.dead", { type: "letter" });
    for (const queue of ["jobs", "jobs.dead"]) {
      const fail = () => Promise.reject(new Error("failed"));
      await layer.consume(queue, fail, { maxDeliveries: 1 });
    }
    await new Promise<void>((resolve) => {
      const handle = ({ type }: { type: string }) => {
        if (handled.push(type) === 2) resolve();
      };
      void layer.consume("jobs.dead.dead", handle);
    });
    expect(handled).to.have.members(["job", "letter"]);
    expect(layer.counters().dropped).not.to.have.property("undecryptable");
  });

  it("delivers messages during a key rotation, node by node", async () => {
    // Each node first has the old key, then adds the new one, then puts it first, then drops the old one.
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

  it("drops, counts and reports messages from nodes with other keys or none", async () => {
    const layer = start("key");
    const { channel, inbox } = await join(layer);
    const [stranger, plain] = [start("another"), start()];
    for (const other of [stranger, plain]) {
      await other.groupSend("group", { type: "forged" });
      await other.send(channel, { type: "forged" });
    }
    // No order is guaranteed between a group and direct sends.
    await layer.groupSend("group", { type: "end" });
    await layer.send(channel, { type: "last" });
    await Promise.all([inbox.next("end"), inbox.next("last")]);
    expect(inbox.types).to.have.members(["end", "last"]);
    expect(layer.counters().dropped).to.deep.equal({ undecryptable: 4 });
    const textFor = (topic: string) =>
      `A payload on "${topic}" cannot be decrypted with the keys of this layer.`;
    const [group, own] = [textFor("greenroom__group__group"), textFor(`greenroom__node__${layer.node}`)];
    expect(reports).to.have.members([group, own, group, own]);
  });

  it("counts as garbage on a node without keys", async () => {
    const plain = start();
    const { inbox } = await join(plain);
    await start("key").groupSend("group", { type: "secret" });
    await plain.groupSend("group", { type: "end" });
    await inbox.next("end");
    expect(inbox.types).to.deep.equal(["end"]);
    expect(plain.counters().dropped).to.deep.equal({ garbage: 1 });
  });

  it("counts an encrypted payload that is not a message as garbage", async () => {
    const layer = start("key");
    const { inbox } = await join(layer);
    const raw = new MemoryBackend(bus, "greenroom");
    await raw.publish(
      "greenroom__group__group",
      createEncryption({ keys: ["key"] }).encrypt(bytes("not a message")),
    );
    await layer.groupSend("group", { type: "end" });
    await inbox.next("end");
    expect(layer.counters().dropped).to.deep.equal({ garbage: 1 });
  });

  it("shows no key to inspect or JSON.stringify", async () => {
    const layer = start("very secret");
    await join(layer);
    const shown = inspect(layer, { depth: null, showHidden: true }) + JSON.stringify(layer);
    expect(shown).not.to.include("secret");
  });
});
