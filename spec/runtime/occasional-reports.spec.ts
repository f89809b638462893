import { expect } from "chai";
import { SimulatedClock } from "xstate";
import { OccasionalReports } from "../../runtime/occasional-reports.ts";

describe("OccasionalReports", () => {
  class Room {}
  class Hall {}
  let clock: SimulatedClock;
  let reports: OccasionalReports;
  let reported: unknown[];
  beforeEach(() => {
    clock = new SimulatedClock();
    reports = new OccasionalReports(clock);
    reported = [];
  });
  const report = (Consumer: object, key: string, error: string) =>
    reports.report(
      Consumer,
      key,
      () => error,
      (each) => reported.push(each),
    );

  it("reports once a minute for each class and key", () => {
    report(Room, "a", "1");
    report(Room, "a", "2");
    report(Room, "b", "3");
    report(Hall, "a", "4");
    clock.increment(59_999);
    report(Room, "a", "5");
    expect(reported).to.deep.equal(["1", "3", "4"]);
    clock.increment(1);
    report(Room, "a", "6");
    report(Room, "a", "7");
    expect(reported).to.deep.equal(["1", "3", "4", "6"]);
  });

  it("does not create the errors that it leaves out", () => {
    report(Room, "", "1");
    const unused = () => expect.fail("created");
    reports.report(Room, "", unused, unused);
  });
});
