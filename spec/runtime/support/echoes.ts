import { once } from "node:events";
import { WebSocket as UndiciWebSocket } from "undici";
import { WebSocket } from "ws";
import { Opcode, RawWebSocket } from "../../support/raw-websocket.ts";
import type { StartEchoes } from "./speakers.ts";

const urls = (url: string, count: number) => Array.from({ length: count }, (_, index) => `${url}?n=${index}`);

export const wsEchoes: StartEchoes = async (url, count) => {
  const sockets = urls(url.replace("http", "ws"), count).map(
    // The certificates of the specs are self-signed.
    (address) => new WebSocket(address, { rejectUnauthorized: false }),
  );
  for (const socket of sockets) {
    socket.on("message", (data, isBinary) => socket.send(data as Buffer, { binary: isBinary }));
  }
  const complaints: Error[] = [];
  for (const socket of sockets) socket.on("error", (error) => complaints.push(error));
  await Promise.all(sockets.map((socket) => once(socket, "open")));
  return {
    extensions: sockets.map(({ extensions }) => extensions),
    complaints,
    stop() {
      for (const socket of sockets) socket.terminate();
    },
  };
};

export const undiciEchoes: StartEchoes = async (url, count) => {
  const sockets = urls(url.replace("http", "ws"), count).map((address) => new UndiciWebSocket(address));
  for (const socket of sockets) {
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => socket.send(data));
  }
  const complaints: Error[] = [];
  for (const socket of sockets) {
    socket.addEventListener("error", ({ error }) => complaints.push(error));
  }
  await Promise.all(sockets.map((socket) => once(socket, "open")));
  return {
    extensions: sockets.map(({ extensions }) => extensions),
    complaints,
    stop() {
      for (const socket of sockets) socket.close();
    },
  };
};

export const chromiumEchoes: StartEchoes = async (url, count) => {
  // Imported on demand, because it takes a second.
  const { launchBrowser } = await import("../../support/browser.ts");
  const browser = await launchBrowser();
  const page = await browser.newPage();
  // A string, because the code runs in the page and has other global types.
  const extensions =
    (await page.evaluate(`Promise.all(${JSON.stringify(urls(url.replace("http", "ws"), count))}.map(
    (address) => new Promise((resolve, reject) => {
      const socket = new WebSocket(address);
      socket.binaryType = "arraybuffer";
      socket.onmessage = ({ data }) => socket.send(data);
      socket.onopen = () => resolve(socket.extensions);
      socket.onerror = () => reject(new Error(address));
    }),
  ))`)) as string[];
  return { extensions, complaints: [], stop: () => browser.close() };
};

/** Sockets that check each frame against the RFC. They offer the `extensions` in turn. */
export const rawEchoes =
  (...extensions: readonly string[]): StartEchoes =>
  async (url, count) => {
    const sockets = await Promise.all(
      urls(url, count).map((address, index) => {
        const offered = extensions[index % extensions.length];
        return RawWebSocket.open(address, offered ? { "Sec-WebSocket-Extensions": offered } : {});
      }),
    );
    const echo = async (socket: RawWebSocket) => {
      for (;;) {
        const frame = await socket.next();
        if (frame === undefined) return;
        if (frame.opcode === Opcode.ping) socket.send(Opcode.pong, frame.payload);
        else if (frame.opcode === Opcode.close) socket.send(Opcode.close, frame.payload);
        else socket.send(frame.opcode, frame.payload);
      }
    };
    const complaints: Error[] = [];
    for (const socket of sockets) {
      echo(socket).catch((error) => {
        complaints.push(error);
        socket.socket.destroy();
      });
    }
    return {
      extensions: sockets.map((socket) => socket.extensions),
      complaints,
      async stop() {
        for (const socket of sockets) await socket.destroy();
      },
    };
  };
