import { expect } from "chai";
import { commandsOf } from "../tools/example-commands.ts";

const block = (...lines: string[]) => `\`\`\`sh\n${lines.join("\n")}\n\`\`\`\n`;

describe("The commands of an example", () => {
  it("are those of the block that installs and tests, in order and without comments", () => {
    const readme = `# One\n\n${block("npm start")}\n${block("npm install # once", "# then", "", "npm test")}`;
    expect(commandsOf(readme)).to.deep.equal(["npm install", "npm test"]);
  });

  it("are missing if there are none or two such blocks, which is an error", () => {
    const complete = block("npm install", "npm test");
    for (const readme of ["", block("npm test"), complete + complete])
      expect(() => commandsOf(readme)).to.throw('exactly one "sh" block');
  });
});
