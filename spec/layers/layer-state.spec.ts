import { expect } from "chai";
import type { Backend, Capabilities } from "../../layers/backend.ts";
import { ChannelLayer } from "../../layers/channel-layer.ts";
import {
  InvalidMessageError,
  LayerClosedError,
  LayerSetupError,
  UnreadableStateError,
  UnsupportedError,
} from "../../layers/errors.ts";
import { MemoryBackend } from "../../layers/memory/memory-backend.ts";
import { MemoryBus } from "../../layers/memory/memory-bus.ts";
import { MemoryLayer } from "../../layers/memory/memory-layer.ts";
import { MemoryState } from "../../layers/memory/memory-state.ts";
import { unreliableLayer } from "../../layers/testing/index.ts";
import { SlowBackend } from "./support/slow-backend.ts";

const first = { encryption: { keys: ["first"] } };

/** A store whose openings have these outcomes, and then succeed without warnings. */
class OpeningState extends MemoryState {
  openings = 0;
  closings = 0;
  readonly #outcomes: (Error | readonly Error[])[];

  constructor(...outcomes: (Error | readonly Error[])[]) {
    super(new MemoryBus().state("prefix"));
    this.#outcomes = outcomes;
  }

  override async open(): Promise<readonly Error[]> {
    this.openings += 1;
    const outcome = this.#outcomes.shift() ?? [];
    if (outcome instanceof Error) throw outcome;
    return outcome;
  }

  override async close(): Promise<void> {
    this.closings += 1;
    await super.close();
  }
}

class BackendWithState extends MemoryBackend {
  override readonly state: OpeningState;

  constructor(state: OpeningState) {
    super(new MemoryBus(), "prefix");
    this.state = state;
  }
}

describe("LayerState", () => {
  const layers: ChannelLayer[] = [];

  afterEach(() => Promise.all(layers.splice(0).map((layer) => layer.close())));

  function started<Layer extends ChannelLayer>(layer: Layer): Layer {
    layers.push(layer);
    return layer;
  }

  const layerOn = (backend: Backend, onError?: (error: unknown) => void) =>
    started(new ChannelLayer(backend, { prefix: "prefix", ...(onError && { onError }) }));

  describe("run", () => {
    it("opens the layer, and the store once", async () => {
      const state = new OpeningState();
      const layer = layerOn(new BackendWithState(state));
      expect(state.openings).to.equal(0);
      const counts = [1, 2, 3].map((count) =>
        layer.state.run(() => layer.state.run((store) => store.partitions("kind", count))),
      );
      expect(await Promise.all(counts)).to.deep.equal([1, 1, 1]);
      expect(layer.health.ok).to.equal(true);
      expect(state.openings).to.equal(1);
      await layer.close();
      expect(state.closings).to.equal(1);
    });

    it("tries to open the store again after a failure", async () => {
      const state = new OpeningState(new LayerSetupError("evicts"));
      const layer = layerOn(new BackendWithState(state));
      const run = () => layer.state.run((store) => store.keys({ kind: "kind", index: 0 }));
      expect(await run().catch((error) => error)).to.be.instanceOf(LayerSetupError);
      expect(await run()).to.deep.equal([]);
      expect(state.openings).to.equal(2);
    });

    it("reports the warnings of the store", async () => {
      const warning = new LayerSetupError("no AOF");
      const reported: unknown[] = [];
      const layer = layerOn(new BackendWithState(new OpeningState([warning])), (error) =>
        reported.push(error),
      );
      await layer.state.run((store) => store.keys({ kind: "kind", index: 0 }));
      await layer.state.run((store) => store.keys({ kind: "kind", index: 0 }));
      expect(reported).to.deep.equal([warning]);
    });

    it("does not close a store that was never opened", async () => {
      const state = new OpeningState();
      const layer = layerOn(new BackendWithState(state));
      await layer.ready();
      await layer.close();
      expect([state.openings, state.closings]).to.deep.equal([0, 0]);
    });

    it("rejects if the layer has no store, and after `close`", async () => {
      const without = layerOn(new SlowBackend());
      expect(without.capabilities.state).to.equal(false);
      const refusal = await without.state.run(async () => {}).catch((error) => error);
      expect(refusal)
        .to.be.instanceOf(UnsupportedError)
        .with.property(
          "message",
          "This layer cannot store named actors: use RedisStreamsLayer or MemoryLayer.",
        );
      const layer = started(new MemoryLayer());
      expect(layer.capabilities satisfies Capabilities).to.have.property("state", true);
      await layer.close();
      expect(await layer.state.run(async () => {}).catch((error) => error)).to.be.instanceOf(
        LayerClosedError,
      );
    });

    it("shares a store among the layers of one bus and prefix only", async () => {
      const bus = new MemoryBus();
      const [one, two, other, faulty] = [
        new MemoryLayer({ bus }),
        new MemoryLayer({ bus }),
        new MemoryLayer({ bus, prefix: "other" }),
        unreliableLayer({ seed: 1, drop: 1 }, { bus }),
      ].map(started);
      const partitions = (layer: ChannelLayer | undefined, count: number) =>
        layer?.state.run((store) => store.partitions("kind", count));
      expect(await partitions(one, 1)).to.equal(1);
      expect(await partitions(two, 2)).to.equal(1);
      expect(await partitions(faulty, 3)).to.equal(1);
      expect(await partitions(other, 4)).to.equal(4);
    });
  });

  describe("pack and unpack", () => {
    const where = `kind/3/${"\u{1F600}".repeat(50)}`;
    const value = {
      list: [1, -1.5, 2 ** 50, "text", null, true, { deep: [[]] }],
      bytes: Buffer.from([0, 255]),
      type: "xstate.init",
    };

    for (const [name, options] of [
      ["without keys", {}],
      ["with keys", first],
    ] as const) {
      it(`return the same value, frozen, ${name}`, () => {
        const { state } = started(new MemoryLayer(options));
        const unpacked = state.unpack(state.pack(value, where), where);
        expect(unpacked).to.deep.equal({
          ...value,
          list: [1, -1.5, 2 ** 50, "text", null, true, { deep: [[]] }],
        });
        expect(unpacked).to.be.frozen.and.to.have.property("list").that.is.frozen;
        expect(state.unpack(state.pack([1], where), where)).to.deep.equal([1]);
      });

      it(`accept a value of up to 1 MiB, ${name}`, () => {
        const { state } = started(new MemoryLayer(options));
        const large = { text: "x".repeat(1024 * 1024 - 100) };
        expect(state.unpack(state.pack(large, where), where)).to.deep.equal(large);
        const tooLarge = { text: "x".repeat(1024 * 1024) };
        expect(() => state.pack(tooLarge, where)).to.throw(InvalidMessageError, "at most 1048576 bytes");
      });
    }

    it("names the path of a part that cannot be stored", () => {
      const { state } = started(new MemoryLayer());
      const refused = (part: unknown) => () => state.pack({ context: { lots: [1, { at: part }] } }, where);
      expect(refused(new Date())).to.throw(InvalidMessageError, '"context.lots.1.at" is an instance of Date');
      expect(refused(() => {})).to.throw(InvalidMessageError, '"context.lots.1.at" is a function');
      expect(refused(new Map())).to.throw(InvalidMessageError, '"context.lots.1.at" is an instance of Map');
      const cyclic: { self?: object } = {};
      cyclic.self = cyclic;
      expect(refused(cyclic)).to.throw(InvalidMessageError, "nested deeper than 100 levels");
    });

    it("refuse a payload that was moved to another place, if the layer has keys", () => {
      const { state } = started(new MemoryLayer(first));
      const payload = state.pack(value, "kind/3/a");
      expect(() => state.unpack(payload, "kind/3/b")).to.throw(
        UnreadableStateError,
        'The stored value of "kind/3/b" was encrypted for another place.',
      );
      const other = started(new MemoryLayer({ ...first, prefix: "other" }));
      expect(() => other.state.unpack(payload, "kind/3/a")).to.throw(UnreadableStateError, "another place");
      expect(state.unpack(payload, "kind/3/a")).to.deep.equal(value);
    });

    it("refuse a payload of another key, a changed one, and a plain one", () => {
      const { state } = started(new MemoryLayer(first));
      const payload = state.pack(value, where);
      const stranger = started(new MemoryLayer({ encryption: { keys: ["other"] } }));
      const changed = Uint8Array.from(payload);
      changed[40] = (changed[40] ?? 0) ^ 1;
      for (const attempt of [
        () => stranger.state.unpack(payload, where),
        () => state.unpack(changed, where),
        () => state.unpack(started(new MemoryLayer()).state.pack(value, where), where),
      ]) {
        expect(attempt).to.throw(UnreadableStateError, "cannot be decrypted with the keys of this layer");
      }
      const rotated = started(new MemoryLayer({ encryption: { keys: ["other", "first"] } }));
      expect(rotated.state.unpack(payload, where)).to.deep.equal(value);
    });

    it("refuse a malformed payload", () => {
      const { state } = started(new MemoryLayer());
      const payload = state.pack(value, where);
      for (const malformed of [new Uint8Array(), payload.subarray(0, -1), Buffer.from("{}")]) {
        expect(() => state.unpack(malformed, where)).to.throw(UnreadableStateError, "is malformed");
      }
      // A message of another type: {"type":"x"} in msgpack.
      const message = Buffer.from("81a474797065a178", "hex");
      expect(() => state.unpack(message, where)).to.throw(UnreadableStateError, "is not a stored value");
    });
  });
});
