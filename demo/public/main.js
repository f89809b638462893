import { find } from "./dom.js";
import { createJobs } from "./jobs.js";
import { fillPanel } from "./markup.js";
import { createPanel } from "./panel.js";
import { createRoom } from "./room.js";
import { createShowcase } from "./showcase.js";

for (const section of document.querySelectorAll("section.connection"))
  if (section instanceof HTMLElement) fillPanel(section);

createPanel(find(document, "#system", HTMLElement), {
  path: () => "/ws/system",
  place: () => "the system channel",
  read: (text) => ({ text, kind: text.startsWith("🔧 System Echo:") ? "message" : "notice" }),
});
createRoom(find(document, "#room", HTMLElement));
createJobs(find(document, "#jobs", HTMLElement));
createShowcase(find(document, "#showcase", HTMLElement));

find(document, "main", HTMLElement).dataset.ready = "";
