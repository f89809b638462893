/**
 * The program of the thread that gives life signs. It is a string, so that it also runs from a bundle in one
 * file. It knows no Redis client: the main thread encodes all commands, and each reply is one line.
 *
 * Receives `{ id, target, beat, everyMs }` with all facts about one server, or `{ id }` to stop its signs:
 *
 * - `target`: `{ serial, isTls, socket, hello, patienceMs }`. Another `serial` means another connection.
 * - `hello` and `beat`: encoded commands, sent after the connect and once per `everyMs`.
 *
 * Sends `{ id, failures: 0 }` once the server has replied to a life sign, and after each failure
 * `{ id, failures, reason }` with the number of failures in a row.
 */
export const lifeSignThread = `
"use strict";
const net = require("node:net");
const tls = require("node:tls");
const { parentPort } = require("node:worker_threads");

class Link {
  constructor(id) {
    this.id = id;
    this.failures = 0;
    this.isWell = false;
  }

  update({ target, beat, everyMs }) {
    if (this.target && this.target.serial !== target.serial) this.drop();
    Object.assign(this, { target, beat });
    if (this.everyMs !== everyMs) {
      clearInterval(this.timer);
      this.timer = setInterval(() => this.sign(), everyMs);
      this.everyMs = everyMs;
    }
    if (!this.socket) this.connect();
  }

  sign() {
    if (!this.socket) return this.connect();
    this.socket.write(this.beat);
    this.askedAt ??= performance.now();
    if (performance.now() - this.askedAt > this.target.patienceMs) this.socket.destroy(new Error("no reply"));
  }

  connect() {
    const { isTls, socket: options, hello } = this.target;
    const socket = (isTls ? tls : net).connect(options);
    let rest = "";
    let failure = new Error("the connection was closed");
    this.socket = socket;
    this.askedAt = performance.now();
    socket.setNoDelay();
    socket.on("error", (error) => {
      failure = error;
    });
    socket.on("close", () => {
      if (this.socket !== socket) return;
      this.socket = undefined;
      this.failed(failure.message);
    });
    socket.on("data", (data) => {
      this.askedAt = undefined;
      const lines = (rest + data).split("\\r\\n");
      rest = lines.pop();
      for (const line of lines) this.read(line);
    });
    socket.write(hello + this.beat);
  }

  read(line) {
    if (line[0] === "+") return;
    if (/^-(NOAUTH|WRONGPASS|NOPERM|ERR)/.test(line)) return this.failed(line.slice(1));
    this.failures = 0;
    if (!this.isWell) parentPort.postMessage({ id: this.id, failures: 0 });
    this.isWell = true;
  }

  failed(reason) {
    this.isWell = false;
    this.failures += 1;
    parentPort.postMessage({ id: this.id, failures: this.failures, reason });
  }

  drop() {
    const { socket } = this;
    this.socket = undefined;
    this.isWell = false;
    if (socket) socket.destroy();
  }
}

const links = new Map();
parentPort.on("message", ({ id, ...facts }) => {
  const link = links.get(id) ?? new Link(id);
  if (facts.target) {
    links.set(id, link);
    link.update(facts);
  } else {
    clearInterval(link.timer);
    links.delete(id);
    link.drop();
  }
});
`;
