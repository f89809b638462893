import { readFile } from "node:fs/promises";
import { expect } from "chai";

interface Locked {
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const folders = [
  ...["", "bench/fan-out/", "bench/jitter/", "bench/layers/", "bench/named/", "bench/storm/"],
  ...["site/", "spec/package/versions/", "spec/published/", "tools/api-docs/"],
];

for (const folder of folders) {
  describe(`${folder}package-lock.json`, () => {
    let packages: Readonly<Record<string, Locked>>;

    before(async () => {
      const text = await readFile(new URL(`../${folder}package-lock.json`, import.meta.url), "utf8");
      packages = JSON.parse(text).packages;
    });

    // npm 11 does not install from a lock file that lacks an optional dependency of another platform.
    it("has every optional dependency, including those of other platforms", () => {
      const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
        Object.keys(optionalDependencies).filter(
          (name) => !(`node_modules/${name}` in packages || `${path}/node_modules/${name}` in packages),
        ),
      );
      expect(missing).to.deep.equal([]);
    });

    it("has no download addresses", () => {
      expect(Object.values(packages).filter(({ resolved }) => resolved !== undefined)).to.deep.equal([]);
    });
  });
}
