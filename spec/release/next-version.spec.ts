import { expect } from "chai";
import { distTag, nextVersion } from "../../tools/release/next-version.ts";

describe("The version of a release", () => {
  it("is the next one of a step, or the given one", () => {
    const wanted = ["patch", "minor", "major", "1.2.4", "2.0.0-rc.1"];
    const versions = wanted.map((step) => nextVersion("1.2.3", step));
    expect(versions).to.deep.equal(["1.2.4", "1.3.0", "2.0.0", "1.2.4", "2.0.0-rc.1"]);
    expect(nextVersion("2.0.0-rc.1", "major")).to.equal("2.0.0");
  });

  it("may be the present one, as that of the first release", () => {
    expect(nextVersion("0.1.0", "0.1.0")).to.equal("0.1.0");
  });

  it("is refused if it is older, or not a version", () => {
    for (const wanted of ["1.2.2", "1.2.3-rc.1"]) {
      expect(() => nextVersion("1.2.3", wanted)).to.throw(`${wanted} is older than the present 1.2.3`);
    }
    for (const wanted of ["big", "v1.3.0", "1.3", "prerelease", ""]) {
      expect(() => nextVersion("1.2.3", wanted)).to.throw(`"${wanted}" is not patch, minor, major`);
    }
  });

  it("is the default of npm unless it is a prerelease", () => {
    expect(["1.2.3", "2.0.0-rc.1"].map(distTag)).to.deep.equal(["latest", "next"]);
  });
});
