import { z } from "zod";
import { contract } from "../../../../contract/index.ts";

export const news = contract({
  path: "/news",
  client: {},
  server: { headline: z.object({ number: z.number(), at: z.number() }) },
});
