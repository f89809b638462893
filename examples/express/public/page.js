import { connect } from "/client.js";

const byId = (id) => document.getElementById(id);
/** The notes by id: a note may come from the database, from the board, or from both. */
const notes = new Map();

/** Shows the form, or the board of a user who has signed in. */
function show(isSignedIn) {
  byId("sign-in").hidden = isSignedIn;
  document.querySelector("main").hidden = !isSignedIn;
}

function add(...some) {
  for (const note of some) notes.set(note.id, note);
  const newestFirst = [...notes.values()].sort((a, b) => b.id - a.id);
  byId("notes").replaceChildren(...newestFirst.map(itemOf));
}

function itemOf({ by, text }) {
  const item = document.createElement("li");
  item.textContent = `${by}: ${text}`;
  return item;
}

/** Adds the notes of the database. */
async function load() {
  const response = await fetch("/notes");
  add(...(await response.json()));
}

function open(user) {
  const client = connect({ url: "/ws/board" });
  client.on("json", (frame) => frame.type === "written" && add(frame));
  client.onGap(load);
  client.onStatus(({ state }) => {
    byId("status").value = `${user}, ${state}`;
    if (state === "joined") void load();
    // The user has signed out, in this page or in another one.
    if (state === "closed") show(false);
  });
  byId("write").onsubmit = async (event) => {
    event.preventDefault();
    const text = byId("text").value;
    event.target.reset();
    await client.sendJson({ type: "write", text });
  };
  show(true);
}

async function start() {
  const response = await fetch("/me");
  if (response.ok) open(await response.text());
  else show(false);
}

byId("sign-in").onsubmit = async (event) => {
  event.preventDefault();
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ name: byId("name").value });
  await fetch("/sign-in", { method: "POST", headers, body });
  await start();
};
byId("sign-out").onclick = () => fetch("/sign-out", { method: "POST" });
await start();
