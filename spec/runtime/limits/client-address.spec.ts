import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { expect } from "chai";
import { InvalidOptionError, type TrustProxy } from "greenroom";
import { ClientAddresses } from "../../../runtime/limits/client-address.ts";

/** A request from a peer that has this address. */
function requestFrom(remoteAddress: string | undefined, headers: Readonly<Record<string, string>> = {}) {
  const socket = Object.defineProperty(new Socket(), "remoteAddress", { value: remoteAddress });
  return Object.assign(new IncomingMessage(socket), { headers });
}

const failures: unknown[] = [];
const trusting = (trustProxy: TrustProxy) =>
  new ClientAddresses(trustProxy, (error, { stage }) => failures.push([stage, (error as Error).message]));

describe("ClientAddresses", () => {
  /** The address of the client behind `peer`, which has sent `header` as X-Forwarded-For. */
  const addressOf = (trustProxy: TrustProxy, peer: string | undefined, header: string) =>
    trusting(trustProxy).addressOf(requestFrom(peer, { "x-forwarded-for": header }));

  it("ignores the headers of a peer that is not trusted", () => {
    const headers = { "x-forwarded-for": "192.0.2.7", "x-forwarded-host": "evil.example" };
    for (const trustProxy of [false, 0, "10.0.0.0/8", [], ["::1"]] as const) {
      const addresses = trusting(trustProxy);
      const request = requestFrom("127.0.0.1", headers);
      expect(addresses.addressOf(request)).to.equal("127.0.0.1");
      expect(addresses.forwardedOf(request)).to.equal(undefined);
    }
  });

  it("returns the last address of the header that is not a trusted proxy", () => {
    const header = "6.6.6.6, 192.0.2.7, 10.0.0.3";
    expect(addressOf("loopback", "127.0.0.1", header)).to.equal("10.0.0.3");
    expect(addressOf("loopback", "::ffff:127.0.0.1", header)).to.equal("10.0.0.3");
    expect(addressOf("loopback, 10.0.0.0/8", "::1", header)).to.equal("192.0.2.7");
    expect(addressOf(["loopback", "uniquelocal"], "::1", header)).to.equal("192.0.2.7");
    expect(addressOf(2, "198.51.100.1", header)).to.equal("192.0.2.7");
    expect(addressOf((address) => address !== "192.0.2.7", "::1", header)).to.equal("192.0.2.7");
    expect(addressOf(true, "::1", header)).to.equal("6.6.6.6");
    expect(addressOf(1, undefined, header), "a Unix domain socket").to.equal("10.0.0.3");
  });

  it("returns the address of the proxy if the header has none", () => {
    for (const header of ["", ",,,", "unknown", "_hidden, ", "1.2.3", "[::1", "1.2.3.4.5:80", "\u001b[2J"])
      expect(addressOf("loopback", "127.0.0.1", header), header).to.equal("127.0.0.1");
  });

  it("leaves out the ports that some proxies append", () => {
    expect(addressOf("loopback", "::1", "192.0.2.7:5678")).to.equal("192.0.2.7");
    expect(addressOf("loopback", "::1", "[2001:db8::7]:5678")).to.equal("2001:db8::7");
    expect(addressOf("loopback", "::1", "[2001:db8::7]")).to.equal("2001:db8::7");
  });

  it("returns an IPv4 address as it is, also if it is mapped into IPv6", () => {
    for (const trustProxy of [false, "loopback"]) {
      expect(addressOf(trustProxy, "::ffff:192.0.2.7", "")).to.equal("192.0.2.7");
      expect(addressOf(trustProxy, "::ffff:c000:207", "")).to.equal("::ffff:c000:207");
    }
    expect(addressOf("loopback", "::1", "[::ffff:192.0.2.7]:80")).to.equal("192.0.2.7");
    expect(addressOf(false, undefined, "")).to.equal(undefined);
  });

  // The reading of a header that grows with the square of its length would take minutes.
  it("reads a header of 1 MB that is malformed", () => {
    for (const part of [",", " ", "1.1.1.1,", "::", "[::1]:1,"]) {
      const header = part.repeat(1_000_000 / part.length);
      for (const trustProxy of ["loopback", true, 1_000_000] as const)
        expect(addressOf(trustProxy, "127.0.0.1", header)).to.match(/^[\d.:]+$/);
    }
  });

  it("reads the protocol and the host that the first proxy has seen", () => {
    const forwarded = (proto: string, host = "") =>
      trusting("loopback").forwardedOf(
        requestFrom("::1", { "x-forwarded-proto": proto, "x-forwarded-host": host }),
      );
    expect(forwarded("https, http", "chat.example:444 , inner")).to.deep.equal({
      protocol: "https",
      host: "chat.example:444",
    });
    expect(forwarded("WSS")).to.deep.equal({ protocol: "https", host: undefined });
    expect(forwarded("ws")?.protocol).to.equal("http");
    for (const proto of ["", "gopher", "__proto__", "toString", ","])
      expect(forwarded(proto), proto).to.deep.equal({ protocol: undefined, host: undefined });
  });

  it("refuses a wrong value", () => {
    for (const wrong of [
      "",
      "proxy.example",
      "10.0.0.0/99",
      ["loopback", "x"],
      -1,
      1.5,
      Number.NaN,
      null,
      {},
      [1],
    ])
      expect(() => trusting(wrong as TrustProxy), JSON.stringify(wrong)).to.throw(
        InvalidOptionError,
        "trustProxy",
      );
  });

  it("reports an error of the function, and trusts no proxy", () => {
    const fail = () => {
      throw new Error("broken");
    };
    expect(addressOf(fail, "127.0.0.1", "192.0.2.7")).to.equal("127.0.0.1");
    expect(failures.splice(0)[0]).to.deep.equal(["trustProxy", "broken"]);
  });
});
