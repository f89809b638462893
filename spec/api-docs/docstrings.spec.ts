import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { options } from "../../tools/api-docs/options.ts";
import { readApi } from "../../tools/api-docs/read-api.ts";

const pathOf = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

describe("the docstrings of the entry points", function () {
  this.timeout(300_000); // the compiler reads the whole package

  it("exist for all that is exported, and have links that lead somewhere", async () => {
    const { problems, project } = await readApi(options);
    expect(problems).to.deep.equal([]);
    expect(project.children?.map(({ name }) => name)).to.include.members(["greenroom", "greenroom/client"]);
  });
});

describe("the check of docstrings", function () {
  this.timeout(180_000); // the compiler

  it("reports each kind of fault", async () => {
    const entryPoints = ["violations/index.ts", "violations/documented.ts"].map(pathOf);
    const tsconfig = pathOf("violations/tsconfig.json");
    const { problems } = await readApi({ entryPoints, tsconfig, disableSources: true });
    expect(problems).to.have.members([
      "index has no docstring",
      "index: undocumentedValue has no docstring",
      "index: UndocumentedOptions has no docstring",
      "index: UndocumentedOptions.timeoutMs has no docstring",
      "index: Documented.undocumentedMethod has no docstring",
      "index: Documented.undocumentedAccessor has no docstring",
      "index: Plain.overloaded has no docstring",
      "index: Plain.undocumentedCall has no docstring",
      'The signature index.identity has an @param with name "missing", which was not used',
      'Failed to resolve link to "Nowhere" in comment for index.Documented',
    ]);
  });
});
