import type { ChannelLayer } from "../../../layers/channel-layer.ts";
import { until } from "../../layers/support/until.ts";
import type { Ledger } from "./ledger.ts";
import { Traffic } from "./traffic.ts";

/**
 * Runs `fault` in the middle of numbered messages from `sender`, waits until all layers are healthy and each
 * ledger has a gap, and checks that nothing was lost silently.
 */
export async function through(
  sender: ChannelLayer,
  layers: readonly ChannelLayer[],
  ledgers: readonly Ledger[],
  fault: () => Promise<unknown>,
): Promise<Traffic> {
  using traffic = new Traffic(sender, "room");
  await traffic.flows();
  await fault();
  await until(() => layers.every(({ health }) => health.ok));
  await until(() => ledgers.every(({ gaps }) => gaps > 0));
  await traffic.flows();
  await traffic.end();
  for (const ledger of ledgers) {
    await ledger.ended();
    ledger.expectNoSilentLoss(traffic.accepted);
  }
  return traffic;
}
