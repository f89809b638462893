import { once } from "node:events";
import { PassThrough } from "node:stream";
import { expect } from "chai";
import { Handshake } from "../../../runtime/socket/handshake.ts";

function begin() {
  // Like a server's socket, it is not destroyed when it ends.
  const socket = new PassThrough({ autoDestroy: false });
  const handshake = new Handshake(socket, () => {});
  let lost = 0;
  handshake.onLost = () => {
    lost += 1;
  };
  const listeners = () => socket.listenerCount("end") + socket.listenerCount("close");
  return { socket, handshake, listeners, before: listeners(), lost: () => lost };
}

describe("Handshake", () => {
  it("notices once that a client disconnects while it is watched", async () => {
    const { socket, handshake, listeners, before, lost } = begin();
    handshake.flush();
    socket.destroy();
    await once(socket, "close");
    expect(lost()).to.equal(1);
    expect(handshake.isSettled).to.equal(true);
    expect(listeners()).to.equal(before);
  });

  it("notices that a client has disconnected before it is watched", async () => {
    for (const end of ["destroyed", "ended"]) {
      const { socket, handshake, lost } = begin();
      if (end === "destroyed") socket.destroy();
      else socket.resume().end();
      await once(socket, end === "destroyed" ? "close" : "end");
      expect(lost()).to.equal(0);
      handshake.flush();
      expect(lost(), end).to.equal(1);
      expect(handshake.isSettled).to.equal(true);
    }
  });

  it("removes its listeners when it is answered", () => {
    for (const isWatched of [false, true]) {
      const { socket, handshake, listeners, before } = begin();
      if (isWatched) handshake.flush();
      handshake.complete = () => {};
      handshake.accept({});
      handshake.flush();
      expect(listeners()).to.equal(before);
      socket.destroy();
    }
  });
});
