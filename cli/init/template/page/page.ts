import { connect } from "greenroom/client";
import { room } from "../contract.ts";

const status = element("status", HTMLParagraphElement);
const name = element("name", HTMLInputElement);
const messages = element("messages", HTMLOListElement);
const form = element("say", HTMLFormElement);
const text = element("text", HTMLInputElement);

// Another room: http://localhost:8080/?room=tea
const params = { room: new URLSearchParams(location.search).get("room") ?? "lobby" };
const client = connect(room, { params });

client.onStatus((now) => {
  status.textContent = now.state === "closed" ? `closed: ${now.reason}` : now.state;
});
client.on("said", ({ name, text }) => show(name, text));
client.onGap(({ fresh }) => {
  show("", "Messages may be missing here.");
  if (fresh) rename(); // the new actor does not know the name
});
client.onError(showError);

name.value = localStorage.getItem("name") ?? "";
rename();
name.onchange = rename;
form.onsubmit = (event) => {
  event.preventDefault();
  client.send("say", { text: text.value }).catch(showError);
  text.value = "";
};

function rename() {
  localStorage.setItem("name", name.value);
  client.send("rename", { name: name.value || "Someone" }).catch(showError);
}

function show(name: string, text: string) {
  const line = document.createElement("li");
  const author = document.createElement("strong");
  author.textContent = name;
  line.append(author, " ", text); // as text, not as HTML
  messages.append(line);
  scrollTo(0, document.body.scrollHeight);
}

function showError(error: unknown) {
  show("Error", error instanceof Error ? error.message : String(error));
}

function element<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new Error(`The page has no ${type.name} with the id "${id}".`);
}
