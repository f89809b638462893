import { expect } from "chai";
import { type BudgetHolder, ByteBudget } from "../../../runtime/limits/byte-budget.ts";

describe("ByteBudget", () => {
  function start(maxBytes: number, target = 1) {
    const budget = new ByteBudget(maxBytes, target);
    const released: string[] = [];
    /** A holder keeps its bytes when it is first told to release them, as a connection does that closes. */
    class Holder implements BudgetHolder {
      heldBytes = 0;
      readonly name: string;
      constructor(name: string) {
        this.name = name;
      }
      hold(bytes: number) {
        this.heldBytes = bytes;
        budget.note(this);
      }
      release() {
        if (released.includes(this.name)) {
          this.heldBytes = 0;
          budget.note(this);
        }
        released.push(this.name);
      }
    }
    const [a, b, c] = [new Holder("a"), new Holder("b"), new Holder("c")];
    return { a, b, c, released };
  }

  it("makes the largest holder release its bytes, and only as many as necessary", () => {
    const { a, b, c, released } = start(100);
    a.hold(30);
    b.hold(45);
    c.hold(25);
    expect(released).to.deep.equal([]);
    c.hold(26);
    expect(released).to.deep.equal(["b"]);
  });

  it("makes holders release bytes until the target is reached", () => {
    const { a, b, c, released } = start(100, 0.5);
    a.hold(20);
    b.hold(40);
    c.hold(41);
    expect(released).to.deep.equal(["c", "b"]);
  });

  it("asks a holder again that has not released its bytes yet", () => {
    const { a, b, c, released } = start(100);
    b.hold(90);
    a.hold(11);
    c.hold(1);
    expect(released).to.deep.equal(["b", "b"]);
    a.hold(50);
    c.hold(50);
    expect(released).to.deep.equal(["b", "b"]);
  });

  it("asks holders for their bytes before it makes them release any", () => {
    const { a, b, c, released } = start(100);
    a.hold(60);
    b.hold(40);
    a.heldBytes = 10;
    c.hold(40);
    expect(released).to.deep.equal([]);
    c.hold(51);
    expect(released).to.deep.equal(["c"]);
  });

  it("forgets holders without bytes", () => {
    const { a, b, released } = start(100);
    a.hold(90);
    a.hold(0);
    b.hold(100);
    expect(released).to.deep.equal([]);
  });
});
