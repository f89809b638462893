import { contract } from "greenroom/contract";
import { z } from "zod";

/** The keys of lots. */
export const lotName = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,40}$/, "Use 1 to 40 of the letters A–Z and a–z, digits, '-', '_' and '.'.");

/** The auction of one lot, as every client sees it. */
export const lotView = z.object({
  state: z.enum(["idle", "open", "going", "sold"]),
  /** The leading bid and its bidder. Null if there is no bid. */
  amount: z.number().nullable(),
  by: z.string().nullable(),
  /** Null until the lot is opened for the first time. */
  reserve: z.number().nullable(),
  /** In milliseconds since 1970. Null until the lot is opened for the first time. */
  closesAt: z.number().nullable(),
  /** The number of bids that led. */
  bids: z.number(),
});

export type LotView = z.infer<typeof lotView>;

/** The frames of an auction, which the server and a client share. `/asyncapi` shows the descriptions. */
export const lot = contract({
  path: "/ws/lot/:lot",
  params: z.object({ lot: lotName }),
  client: {
    open: {
      payload: z
        .object({ seconds: z.int().min(5).max(3_600), reserve: z.int().min(0) })
        .describe("Opens the bidding, unless it is open. A sold lot gets a new auction."),
      reply: z.object({ closesAt: z.number() }),
    },
    bid: {
      payload: z
        .object({ by: z.string().min(1).max(40), amount: z.int() })
        .describe(
          "A bid above the leading bid and the reserve leads. Another one is refused with the code `rejected`, and " +
            "`data.beat` is the amount to beat, or null if the bidding is not open.",
        ),
      reply: z.object({ leading: z.literal(true) }),
    },
  },
  server: {
    state: lotView.describe(
      "The first frame, and sent again after each change. In the last 5 s the lot is `going`. `amount` and `by` are " +
        "null if there is no bid, `reserve` and `closesAt` are null until the lot is opened for the first time.",
    ),
  },
});
