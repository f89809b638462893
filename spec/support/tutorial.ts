import { fileURLToPath } from "node:url";

/** The folder of the tutorial. */
export const tutorial = fileURLToPath(new URL("../../docs/tutorial", import.meta.url));

/** The steps of the tutorial, in their order. */
export const pages = [
  "1-preparation.md",
  "2-system-messages.md",
  "3-room-chat.md",
  "4-background-jobs.md",
  "5-showcase.md",
  "6-customisations.md",
] as const;
