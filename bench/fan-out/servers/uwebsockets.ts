import uWS from "uwebsockets";
import { roomOf, roomsOf, type StartServer } from "./room-server.ts";

/** uWebSockets.js with topics for rooms. */
export const start: StartServer = () =>
  new Promise((resolve, reject) => {
    const app = uWS.App();
    app.ws<{ rooms: string[] }>("/*", {
      compression: uWS.DISABLED,
      // By default, messages to a member are dropped while more than 64 KiB wait for that member.
      maxBackpressure: 16 * 1024 * 1024,
      maxPayloadLength: 64 * 1024,
      upgrade(response, request, context) {
        response.upgrade(
          { rooms: roomsOf(new URLSearchParams(request.getQuery())) },
          request.getHeader("sec-websocket-key"),
          request.getHeader("sec-websocket-protocol"),
          request.getHeader("sec-websocket-extensions"),
          context,
        );
      },
      open(socket) {
        for (const room of socket.getUserData().rooms) socket.subscribe(room);
        socket.send("joined");
      },
      message(_socket, message) {
        const text = Buffer.from(message).toString();
        app.publish(roomOf(text), text);
      },
    });
    app.listen("127.0.0.1", 0, (listening) => {
      if (listening) resolve(uWS.us_socket_local_port(listening));
      else reject(new Error("uWebSockets.js cannot listen."));
    });
  });
