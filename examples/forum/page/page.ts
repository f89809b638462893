import { connect } from "greenroom/client";
import { forum, type Post, type Topic } from "../contract.ts";

const find = <E extends HTMLElement>(selector: string) => document.querySelector(selector) as E;
const [topics, posts, state] = [find("#topics"), find("#posts"), find("#state")];

async function request(method: "POST" | "PUT", path: string, body: object): Promise<Response> {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(path, { method, headers, body: JSON.stringify(body) });
  if (!response.ok) state.textContent = (await response.json()).error;
  return response;
}

/** Calls `send` with the value of the only field. */
function onSubmit(selector: string, send: (value: string) => Promise<unknown>): void {
  const form = find<HTMLFormElement>(selector);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const [[, value = ""] = []] = new FormData(form) as unknown as Iterable<[string, string]>;
    form.reset();
    await send(value);
  });
}

const { name } = await (await fetch("/name")).json();
onSubmit("#sign-in", async (value) => {
  if ((await request("PUT", "/name", { name: value })).ok) location.reload();
});
if (name === null) find("#sign-in").hidden = false;
else start();

function start(): void {
  find("main").hidden = false;
  const client = connect(forum, {});
  let opened: Topic | undefined;

  client.onStatus((status) => {
    state.textContent = status.state === "joined" ? `Signed in as ${name}` : status.state;
  });
  client.onError((error) => {
    state.textContent = String(error);
  });
  client.on("topic", showTopic);
  client.on("post", (post) => {
    if (post.topic === opened?.id) showPost(post);
  });
  client.on("score", ({ id, score }) => {
    const output = document.querySelector(`#post-${id} output`);
    if (output !== null) output.textContent = String(score);
  });
  client.onGap(load); // a new session knows neither the topics nor the one that is open
  void load();

  async function load(): Promise<void> {
    for (const topic of await client.ask("list", {})) showTopic(topic);
    if (opened !== undefined) await open(opened);
  }

  async function open(topic: Topic): Promise<void> {
    opened = topic;
    for (const button of topics.querySelectorAll("button")) {
      button.ariaCurrent = String(button.parentElement?.id === `topic-${topic.id}`);
    }
    const present = await client.ask("open", { topic: topic.id });
    posts.replaceChildren();
    for (const post of present) showPost(post);
    find("h2").textContent = topic.title;
    find("section").hidden = false;
  }

  function showTopic(topic: Topic): void {
    const button = element("button", { type: "button", textContent: topic.title });
    button.addEventListener("click", () => void open(topic));
    show(topics, element("li", { id: `topic-${topic.id}` }, button));
  }

  function showPost({ id, author, text, score }: Post): void {
    const votes = ([1, -1] as const).map((value) => {
      const label = value === 1 ? "Vote up" : "Vote down";
      const button = element("button", {
        type: "button",
        textContent: value === 1 ? "+" : "−",
        ariaLabel: label,
      });
      button.addEventListener("click", () => void request("POST", `/posts/${id}/votes`, { value }));
      return button;
    });
    votes.splice(1, 0, element("output", { textContent: String(score) }) as never);
    const paragraph = element("p", {}, element("small", { textContent: author }), text);
    show(
      posts,
      element("li", { id: `post-${id}` }, paragraph, element("span", { className: "votes" }, ...votes)),
    );
  }

  onSubmit("#new-topic", (title) => request("POST", "/topics", { title }));
  onSubmit("#new-post", (text) => request("POST", `/topics/${opened?.id}/posts`, { text }));
}

function element<T extends keyof HTMLElementTagNameMap>(
  tag: T,
  properties: Partial<HTMLElementTagNameMap[T]>,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[T] {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** Adds an item, unless it is shown: a message and a reply may both bring it. */
function show(list: HTMLElement, item: HTMLElement): void {
  if (document.getElementById(item.id) === null) list.append(item);
}
