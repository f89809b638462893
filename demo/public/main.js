import { find } from "./dom.js";
import { createPanel } from "./panel.js";

createPanel(find(document, "#system", HTMLElement), {
  path: () => "/ws/system",
  place: () => "the system channel",
  kindOf: (text) => (text.startsWith("🔧 System Echo:") ? "message" : "notice"),
});

const room = find(document, "#room", HTMLElement);
const roomName = find(room, "#room-name", HTMLInputElement);
const address = find(room, ".address", HTMLElement);

// Half of a pair of code units, which cannot be escaped, becomes the replacement character.
const roomPath = () => `/ws/room/${encodeURIComponent(roomName.value.replace(/\p{Surrogate}/gu, "\uFFFD"))}`;

const showAddress = () => {
  address.textContent = roomPath();
};
roomName.addEventListener("input", showAddress);
showAddress(); // a browser keeps what was typed before a reload

createPanel(room, {
  path: roomPath,
  place: () => `room ${roomName.value}`,
  kindOf: (text) => (text.startsWith("💬") ? "message" : "notice"),
  field: roomName,
});
