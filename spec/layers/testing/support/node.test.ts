import { afterEach, beforeEach, describe, it } from "node:test";
import { describeChannelLayer } from "../../../../layers/testing/index.ts";
import { memory } from "./memory.ts";

describeChannelLayer("MemoryLayer", { describe, it, beforeEach, afterEach, ...memory });
