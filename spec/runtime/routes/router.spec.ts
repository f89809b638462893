import { expect } from "chai";
import { groupName, WebSocketConsumer } from "greenroom";
import { Router } from "../../../runtime/routes/router.ts";
import { requireUpgrade } from "../../../runtime/upgrade/admission.ts";

class Anything extends WebSocketConsumer {}

describe("Router", () => {
  let router: Router;
  const add = (pattern: string, checks = {}, replace = false) =>
    router.add({ pattern, Consumer: Anything, checks, guards: [], answer: requireUpgrade }, replace);

  beforeEach(() => {
    router = new Router();
  });

  describe("#find", () => {
    it("returns the route and its decoded parameters", () => {
      add("/ws/room/:room_name/seat/:seat");
      const found = router.find("/ws/room/caf%C3%A9/seat/7");
      expect(found).to.deep.include({ params: { room_name: "café", seat: "7" } });
      expect(found).to.have.nested.property("route.pattern", "/ws/room/:room_name/seat/:seat");
    });

    it("returns 404 for another path, another case, a longer and a shorter path", () => {
      add("/ws/room/:room_name");
      const others = "/ /ws/room /ws/room/ /WS/room/x /ws/room/x/ /ws/room/x/y //ws/room/x";
      for (const path of others.split(" ")) {
        expect(router.find(path), path).to.include({ status: 404 });
      }
    });

    it("returns 400 for a malformed escape sequence", () => {
      add("/ws/room/:room_name");
      for (const path of ["/ws/room/%ZZ", "/ws/room/%", "/ws/room/%C3"]) {
        expect(router.find(path), path).to.include({ status: 400 });
      }
    });

    it("returns 400 with the reason of a check, which receives the decoded value", () => {
      const seen: string[] = [];
      add("/ws/room/:room_name", {
        room_name: (value: string) => {
          seen.push(value);
          return "It is not good";
        },
      });
      expect(router.find("/ws/room/a%2Fb")).to.deep.equal({
        status: 400,
        reason: 'The path parameter "room_name" is not accepted. It is not good',
      });
      expect(seen).to.deep.equal(["a/b"]);
    });

    it("throws if a check returns neither undefined nor a reason", () => {
      add("/ws/room/:room_name", { room_name: async () => undefined });
      expect(() => router.find("/ws/room/a")).to.throw(
        TypeError,
        'The check of ":room_name" in "/ws/room/:room_name" must return undefined or a reason',
      );
    });

    it("returns the first of two matching routes", () => {
      add("/ws/room/lobby");
      add("/ws/room/:room_name");
      expect(router.find("/ws/room/lobby")).to.have.nested.property("route.pattern", "/ws/room/lobby");
    });
  });

  describe("#add", () => {
    it("refuses a check without a parameter in the pattern", () => {
      expect(() => add("/ws/:room", { seat: groupName })).to.throw('There is a check for ":seat"');
    });

    it("refuses a second pattern for the same paths", () => {
      add("/ws/room/:room_name");
      expect(() => add("/ws/room/:room_name")).to.throw("matches the same paths");
      expect(() => add("/ws/room/:name")).to.throw(
        '"/ws/room/:name" matches the same paths as "/ws/room/:room_name"',
      );
    });

    it("replaces a route for the same paths on request, and keeps its place", () => {
      add("/ws/room/lobby");
      add("/ws/room/:room_name");
      add("/ws/room/lobby", {}, true);
      add("/ws/room/:name", { name: groupName }, true);
      const patterns = router.routes.map(({ pattern }) => pattern);
      expect(patterns).to.deep.equal(["/ws/room/lobby", "/ws/room/:name"]);
      expect(router.find("/ws/room/lobby")).to.have.nested.property("route.pattern", "/ws/room/lobby");
      expect(router.find("/ws/room/x")).to.deep.include({ params: { name: "x" } });
      expect(router.find("/ws/room/a%20b")).to.include({ status: 400 });
    });

    it("adds a route that has nothing to replace, and checks it like any other", () => {
      add("/ws/room/:name", {}, true);
      expect(router.has("/ws/room/x")).to.equal(true);
      expect(() => add("ws", {}, true))
        .to.throw()
        .with.property("code", "ERR_ROUTE");
      expect(() => add("/ws/room/:name", { seat: groupName }, true))
        .to.throw()
        .with.property("code", "ERR_ROUTE");
    });

    it("refuses a malformed pattern or a wildcard, and shows an example", () => {
      const patterns = [
        "/ws/:room(\\d+)",
        "/ws/:",
        "/ws/*rest",
        "/ws{/:room}",
        "/ws/:a-:b",
        "/ws/:a.json",
        "/a!b",
      ];
      for (const pattern of [...patterns, "ws", ""]) {
        expect(() => add(pattern), pattern)
          .to.throw('as in "/ws/room/:room_name"')
          .with.property("code", "ERR_ROUTE");
      }
    });
  });

  describe("#remove", () => {
    it("removes the route for the same paths, and returns whether there was one", () => {
      add("/ws/echo");
      add("/ws/room/:room_name");
      expect(router.remove("/ws/room/:name")).to.equal(true);
      expect(router.remove("/ws/room/:name")).to.equal(false);
      expect(router.remove("ws")).to.equal(false);
      expect(router.find("/ws/room/x")).to.include({ status: 404 });
      expect(router.has("/ws/echo")).to.equal(true);
      add("/ws/room/:room_name");
      expect(router.has("/ws/room/x")).to.equal(true);
    });
  });
});

describe("groupName", () => {
  it("accepts 1 to 90 characters of a group's name", () => {
    for (const name of ["a", "A-Z_a.z-0", "x".repeat(90)]) expect(groupName(name), name).to.equal(undefined);
  });

  it("returns the reason for any other text", () => {
    expect(groupName("x".repeat(91))).to.equal("It has 91 characters; the limit is 90");
    for (const name of ["", " ", "a b", "a/b", "é", "a!b", "a\n", "💬"]) {
      expect(groupName(name), JSON.stringify(name)).to.match(/^It may hold the letters/);
    }
  });
});
