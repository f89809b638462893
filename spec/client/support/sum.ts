import { contractConsumer, frames } from "greenroom";
import { contract } from "greenroom/contract";
import { z } from "zod";

export const sum = contract({
  path: "/sum",
  client: { add: { payload: z.object({ by: z.number() }), reply: z.object({ total: z.number() }) } },
  server: {},
});

/** Adds what its client asks it to add. */
export class Sum extends contractConsumer(sum) {
  static override readonly frames = frames<Sum>({
    add({ by }) {
      this.total += by;
      return { total: this.total };
    },
  });
  total = 0;
}
