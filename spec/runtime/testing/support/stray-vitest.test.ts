import { it } from "vitest";
import { stray } from "./stray.ts";

stray(it);
