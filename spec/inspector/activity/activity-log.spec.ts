import { expect } from "chai";
import { ActivityLog, type Happening } from "../../../inspector/activity/activity-log.ts";

const happening = (what: string): Happening => ({ kind: "message", from: "layer", to: "actor", what });

describe("Histories", () => {
  const tickMs = 500;
  const work = (histories: ActivityLog, actor: string, count: number, what = "work") => {
    for (let done = 0; done < count; done += 1) histories.work(actor, () => happening(`${what} ${done}`));
  };
  const read = (histories: ActivityLog, actor: string) => {
    const read = histories.open(actor).after(0);
    histories.close(actor);
    return read.map(({ what }) => what);
  };

  it("have what happened before they were opened, in its order", () => {
    const histories = new ActivityLog(tickMs);
    histories.life("a", happening("came"));
    histories.work("a", () => happening("worked"));
    histories.life("b", happening("came, too"));
    histories.life("a", happening("went"));
    expect(read(histories, "a")).to.deep.equal(["came", "worked", "went"]);
    expect(read(histories, "nobody")).to.deep.equal([]);
  });

  it("record 1,000 pieces of work between two ticks of 500 ms, and make no more than they record", () => {
    const histories = new ActivityLog(tickMs);
    let made = 0;
    const add = (count: number) => {
      for (let done = 0; done < count; done += 1) {
        histories.work("a", () => {
          made += 1;
          return happening("work");
        });
      }
    };
    add(5_000);
    expect(made).to.equal(1_000);
    histories.turn();
    add(10);
    expect(made).to.equal(1_010);
  });

  it("record of an opened one whatever the others do, 100 between two ticks, and say how much it is of how much", () => {
    const histories = new ActivityLog(tickMs);
    const opened = histories.open("a");
    work(histories, "b", 5_000);
    work(histories, "a", 300);
    expect(opened.after(0)).to.have.lengthOf(100);
    histories.turn();
    expect(opened.rate).to.deep.equal({ events: 600, recorded: 200 });
    work(histories, "a", 1);
    histories.turn();
    expect(opened.rate).to.deep.equal({ events: 2, recorded: 2 });
  });

  it("have how a connection ends, however much there was", () => {
    const histories = new ActivityLog(tickMs);
    work(histories, "a", 5_000);
    histories.life("a", happening("went"));
    expect(read(histories, "a").at(-1)).to.equal("went");
    const opened = histories.open("b");
    work(histories, "b", 5_000);
    histories.life("b", happening("went"));
    expect(opened.after(0).at(-1)?.what).to.equal("went");
  });

  it("keep the last 500 of an opened one, as long as somebody reads it, and 10,000 of all others' work", () => {
    const histories = new ActivityLog(tickMs);
    const opened = histories.open("a");
    histories.open("a");
    for (let tick = 0; tick < 6; tick += 1) {
      work(histories, "a", 100, `${tick}:`);
      histories.turn();
    }
    expect(opened.after(0)).to.have.lengthOf(500);
    expect(opened.after(0)[0]?.what).to.equal("1: 0");
    histories.close("a");
    work(histories, "a", 1, "still");
    expect(opened.after(0).at(-1)?.what).to.equal("still 0");
    histories.close("a");
    work(histories, "a", 1, "never");
    expect(opened.after(0).at(-1)?.what).to.equal("still 0");
    for (let tick = 0; tick < 12; tick += 1) {
      histories.turn();
      work(histories, "c", 1_000);
    }
    expect(read(histories, "a")).to.deep.equal([]);
    expect(histories.open("c").after(0)).to.have.lengthOf(500);
  });

  it("give a reader only what it lacks", () => {
    const histories = new ActivityLog(tickMs);
    const opened = histories.open("a");
    work(histories, "a", 3);
    const last = opened.after(0)[1]?.number ?? 0;
    expect(opened.after(last).map(({ what }) => what)).to.deep.equal(["work 2"]);
  });
});
