// The contract of the board, which the server and the client require.
const { contract } = require("greenroom/contract");
const { z } = require("zod");

const text = z.string().min(1).max(500);

exports.board = contract({
  path: "/ws/board",
  client: { write: z.object({ text }) },
  server: { written: z.object({ text }) },
});
