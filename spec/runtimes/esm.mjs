// The conversation, with packages that are imported. The argument is the address of a Redis.
import * as main from "greenroom";
import * as client from "greenroom/client";
import * as contract from "greenroom/contract";
import * as redis from "greenroom/redis";
import { WebSocket } from "ws";
import conversation from "./conversation.cjs";

const packages = { ...main, ...redis, ...client, ...contract, WebSocket };
process.stdout.write(`${JSON.stringify(await conversation.converse(packages, process.argv[2]))}\n`);
