import { it } from "node:test";
import { stray } from "./stray.ts";

stray(it);
