/** How many places each host has on the ring: enough that the shares of few hosts differ by some ten percent only. */
const placesPerHost = 160;

/**
 * Says which of several hosts a topic lives on: always the same one, wherever and whenever it is asked, and whatever the
 * order of the hosts. When one is added, only the topics that move to it move.
 *
 * Each host has 160 places on a ring of 32-bit numbers, at the hashes of `host#0` to `host#159`; a topic lives on the
 * host of the first place from its own hash on. The hash is FNV-1a over the characters' codes, with the last mixing step
 * of MurmurHash3, without which similar names would lie close together.
 *
 * @see https://www.akamai.com/us/en/multimedia/documents/technical-publication/consistent-hashing-and-random-trees-distributed-caching-protocols-for-relieving-hot-spots-on-the-world-wide-web-technical-publication.pdf
 * @see http://www.isthe.com/chongo/tech/comp/fnv/
 */
export class HashRing {
  readonly #places: Uint32Array;
  readonly #hosts: readonly string[];

  /** @throws {TypeError} if there is no host, or one twice. */
  constructor(hosts: readonly string[]) {
    if (hosts.length === 0) throw new TypeError("A ring needs at least one host.");
    const twice = hosts.find((host, index) => hosts.indexOf(host) !== index);
    if (twice !== undefined)
      throw new TypeError(`Each host may be named once only, but ${twice} is there twice.`);
    const places = hosts.flatMap((host) =>
      Array.from({ length: placesPerHost }, (_, index) => ({ at: hash(`${host}#${index}`), host })),
    );
    // Where two places meet, the name decides, not the order that somebody wrote down.
    places.sort((one, other) => one.at - other.at || (one.host < other.host ? -1 : 1));
    this.#places = Uint32Array.from(places, ({ at }) => at);
    this.#hosts = places.map(({ host }) => host);
  }

  hostOf(topic: string): string {
    const wanted = hash(topic);
    let low = 0;
    let high = this.#places.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#places[middle] ?? 0) < wanted) low = middle + 1;
      else high = middle;
    }
    // After the last place comes the first: it is a ring.
    return this.#hosts[low] ?? this.#hosts[0] ?? "";
  }
}

function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
