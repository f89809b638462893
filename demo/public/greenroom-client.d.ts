// The server makes `greenroom-client.js` from the client.
export * from "greenroom/client";
