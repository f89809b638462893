import { stray } from "./stray.ts";

stray(it);
