import { createAuction } from "./auction.js";
import { find } from "./dom.js";
import { createJobs } from "./jobs.js";
import { fillPanel } from "./markup.js";
import { createRoom } from "./room.js";
import { createShowcase } from "./showcase.js";
import { createTextPanel } from "./text-panel.js";

for (const section of document.querySelectorAll("section.connection"))
  if (section instanceof HTMLElement) fillPanel(section);

createTextPanel(find(document, "#system", HTMLElement), {
  url: () => "/ws/system",
  place: () => "the system channel",
  read: (text) => ({ text, kind: text.startsWith("🔧 System Echo:") ? "message" : "notice" }),
});
createRoom(find(document, "#room", HTMLElement));
createJobs(find(document, "#jobs", HTMLElement));
createAuction(find(document, "#auction", HTMLElement));
createShowcase(find(document, "#showcase", HTMLElement));

find(document, "main", HTMLElement).dataset.ready = "";
