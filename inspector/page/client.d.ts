// The server makes `client.js` from the client.
export * from "../../client/index.ts";
