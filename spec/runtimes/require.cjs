"use strict";
// The conversation, with packages that are required. The argument is the address of a Redis.
const { WebSocket } = require("ws");
const { converse } = require("./conversation.cjs");

const packages = Object.assign(
  {},
  ...["greenroom", "greenroom/redis", "greenroom/client", "greenroom/contract"].map((name) => require(name)),
  { WebSocket },
);
converse(packages, process.argv[2]).then(
  (heard) => process.stdout.write(`${JSON.stringify(heard)}\n`),
  (error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exitCode = 1;
  },
);
