import { expect } from "chai";
import { type Activity, ActivityLog } from "../../../inspector/activity/activity-log.ts";

const activity = (what: string): Activity => ({ kind: "message", from: "layer", to: "actor", what });

describe("ActivityLog", () => {
  const tickMs = 500;
  const work = (log: ActivityLog, actor: string, count: number, what = "work") => {
    for (let done = 0; done < count; done += 1) log.recordWork(actor, () => activity(`${what} ${done}`));
  };
  const read = (log: ActivityLog, actor: string) => {
    const read = log.open(actor).after(0);
    log.close(actor);
    return read.map(({ what }) => what);
  };

  it("includes earlier entries, in order, when an actor is opened", () => {
    const log = new ActivityLog(tickMs);
    log.recordLifecycle("a", activity("came"));
    log.recordWork("a", () => activity("worked"));
    log.recordLifecycle("b", activity("came, too"));
    log.recordLifecycle("a", activity("went"));
    expect(read(log, "a")).to.deep.equal(["came", "worked", "went"]);
    expect(read(log, "nobody")).to.deep.equal([]);
  });

  it("records at most 1,000 units of work per 500 ms tick, and makes no entry that it does not record", () => {
    const log = new ActivityLog(tickMs);
    let made = 0;
    const add = (count: number) => {
      for (let done = 0; done < count; done += 1) {
        log.recordWork("a", () => {
          made += 1;
          return activity("work");
        });
      }
    };
    add(5_000);
    expect(made).to.equal(1_000);
    log.tick();
    add(10);
    expect(made).to.equal(1_010);
  });

  it("records 100 events per tick of an open actor regardless of the others, and reports the rates", () => {
    const log = new ActivityLog(tickMs);
    const opened = log.open("a");
    work(log, "b", 5_000);
    work(log, "a", 300);
    expect(opened.after(0)).to.have.lengthOf(100);
    log.tick();
    expect(opened.rate).to.deep.equal({ events: 600, recorded: 200 });
    work(log, "a", 1);
    log.tick();
    expect(opened.rate).to.deep.equal({ events: 2, recorded: 2 });
  });

  it("records the end of a connection even after its samples are used up", () => {
    const log = new ActivityLog(tickMs);
    work(log, "a", 5_000);
    log.recordLifecycle("a", activity("went"));
    expect(read(log, "a").at(-1)).to.equal("went");
    const opened = log.open("b");
    work(log, "b", 5_000);
    log.recordLifecycle("b", activity("went"));
    expect(opened.after(0).at(-1)?.what).to.equal("went");
  });

  it("keeps the last 500 entries of an actor while it has a reader, and 10,000 units of work in all", () => {
    const log = new ActivityLog(tickMs);
    const opened = log.open("a");
    log.open("a");
    for (let tick = 0; tick < 6; tick += 1) {
      work(log, "a", 100, `${tick}:`);
      log.tick();
    }
    expect(opened.after(0)).to.have.lengthOf(500);
    expect(opened.after(0)[0]?.what).to.equal("1: 0");
    log.close("a");
    work(log, "a", 1, "still");
    expect(opened.after(0).at(-1)?.what).to.equal("still 0");
    log.close("a");
    work(log, "a", 1, "never");
    expect(opened.after(0).at(-1)?.what).to.equal("still 0");
    for (let tick = 0; tick < 12; tick += 1) {
      log.tick();
      work(log, "c", 1_000);
    }
    expect(read(log, "a")).to.deep.equal([]);
    expect(log.open("c").after(0)).to.have.lengthOf(500);
  });

  it("returns only the entries after a given number", () => {
    const log = new ActivityLog(tickMs);
    const opened = log.open("a");
    work(log, "a", 3);
    const last = opened.after(0)[1]?.number ?? 0;
    expect(opened.after(last).map(({ what }) => what)).to.deep.equal(["work 2"]);
  });
});
