import { expect } from "chai";
import { FrameError } from "greenroom";

describe("FrameError", () => {
  it("has a code, a message and data", () => {
    const error = new FrameError("rejected", "Another bid is higher", { beat: 3 });
    expect(error).to.be.instanceOf(Error);
    expect(error).to.include({ name: "FrameError", code: "rejected", message: "Another bid is higher" });
    expect(error.data).to.deep.equal({ beat: 3 });
    expect(new FrameError("greenroomy", "").data).to.equal(undefined);
  });

  it("refuses codes of the protocol, and codes that are not texts", () => {
    for (const code of ["greenroom.failed", "greenroom.", "greenroom.mine"])
      expect(() => new FrameError(code, "m")).to.throw(
        TypeError,
        `"${code}" cannot be the code of a FrameError`,
      );
    for (const code of [undefined, null, 4, {}])
      expect(() => new FrameError(code as unknown as string, "m")).to.throw(TypeError, "cannot be the code");
  });
});
