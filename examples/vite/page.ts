import { connect } from "greenroom/client";
import { room } from "./contract.ts";

const lines = document.querySelector("#lines") as HTMLElement;
const form = document.querySelector("form") as HTMLFormElement;
const client = connect(room, { params: { room: "tea" } });

client.on("said", ({ text }) => {
  const line = document.createElement("li");
  line.textContent = text;
  lines.append(line);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = String(new FormData(form).get("text"));
  form.reset();
  client.send("say", { text }).catch(console.error);
});
import.meta.hot?.dispose(() => client.close());
