import { isIP } from "node:net";
import { expect } from "chai";
import { addressKey } from "../../../runtime/limits/address-key.ts";

describe("addressKey", () => {
  const keys: Readonly<Record<string, string>> = {
    "203.0.113.9": "203.0.113.9",
    "::ffff:203.0.113.9": "203.0.113.9",
    "::FFFF:203.0.113.9": "203.0.113.9",
    "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
    "2001:0DB8:0001:0002:ffff::": "2001:db8:1:2::/64",
    "2001:db8:1:2::": "2001:db8:1:2::/64",
    "2001:db8::1": "2001:db8:0:0::/64",
    "1::2:3:4:5:6:7": "1:0:2:3::/64",
    "::2:3:4:5:6:7:8": "0:2:3:4::/64",
    "1:2::3:4:5:192.0.2.1": "1:2:0:3::/64",
    "fe80::1%eth0": "fe80:0:0:0::/64",
    "::1": "0:0:0:0::/64",
    "::": "0:0:0:0::/64",
  };
  for (const [address, key] of Object.entries(keys)) {
    it(`of ${address} is ${key}`, () => {
      expect(isIP(address)).to.be.greaterThan(0);
      expect(addressKey(address)).to.equal(key);
    });
  }
});
