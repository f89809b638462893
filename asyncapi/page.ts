import type {
  AsyncApiChannel,
  AsyncApiDocument,
  AsyncApiMessage,
  AsyncApiOperation,
  JsonSchema,
  Reference,
} from "./document.ts";
import { alternativesOf, type Field, fieldsOf } from "./fields.ts";
import { type Html, html, withCode } from "./html.ts";
import { pageStyle } from "./page-style.ts";

/**
 * A page that shows a document. It has no scripts, and loads nothing. `link` is the address of the document.
 * The elements of a path or a frame have its key as their id. All other ids have a colon, which no key has.
 */
export function pageOf(document: AsyncApiDocument, link: string): string {
  const { info, servers = {}, channels, components } = document;
  const view = new View(document);
  const entries = Object.entries(channels);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${info.title} ${info.version}</title>
<link rel="icon" href="data:,">
<style>${pageStyle}</style>
</head>
<body>
<a class="skip" href="#:content">Skip to content</a>
<header>
<h1 dir="auto">${info.title} <small>${info.version}</small></h1>
${info.description === undefined ? "" : html`<p dir="auto">${withCode(info.description)}</p>`}
<p>Frames are JSON over WebSocket. <a href="${link}">AsyncAPI ${document.asyncapi} document</a></p>
${Object.entries(servers).map(
  ([name, { protocol, host, pathname = "", description = "" }]) =>
    html`<p><strong>${name}</strong> <code>${protocol}://${host}${pathname}</code> ${description}</p>`,
)}
</header>
<nav aria-label="Paths and frames">
<ul>${entries.map(([key, channel]) => view.contents(key, channel))}
<li><a href="#:errors">Errors</a></li></ul>
</nav>
<main id=":content" tabindex="-1">
${entries.length === 0 ? html`<p>No path has a contract yet.</p>` : ""}
${entries.map(([key, channel]) => view.channel(key, channel))}
<section id=":errors" aria-labelledby=":errors:title">
<h2 id=":errors:title">Errors</h2>
${Object.values(components.messages).map((message) => view.message(message))}
</section>
</main>
</body>
</html>
`;
  return page.text;
}

/** The parts of a page. */
class View {
  readonly #document: AsyncApiDocument;

  constructor(document: AsyncApiDocument) {
    this.#document = document;
  }

  contents(key: string, channel: AsyncApiChannel): Html {
    const frames = this.#operations(key).map(
      ([id, { title, action }]) =>
        html`<li><a href="#${id}"><code>${title}</code> <small>${directions[action]}</small></a></li>`,
    );
    return html`<li><a href="#${key}"><code>${channel.address}</code></a><ul>${frames}</ul></li>`;
  }

  channel(key: string, channel: AsyncApiChannel): Html {
    const { address, parameters = {}, "x-states": states } = channel;
    const operations = this.#operations(key);
    const parameterRows = Object.entries(parameters).map(
      ([name, { description = "", enum: values, default: otherwise }]) => ({
        path: name,
        type: values?.map((value) => JSON.stringify(value)).join(" or ") ?? "string",
        isRequired: otherwise === undefined,
        description,
      }),
    );
    const of = (action: AsyncApiOperation["action"]) =>
      operations
        .filter(([, operation]) => operation.action === action)
        .map(([id, operation]) => this.#operation(id, operation, states));
    return html`<section id="${key}" aria-labelledby="${key}:title">
<h2 id="${key}:title"><code>${address}</code></h2>
${parameterRows.length === 0 ? "" : html`<h3>Parameters</h3>${table(`Parameters of ${address}`, "parameter", parameterRows)}`}
${states === undefined ? "" : html`<h3>States</h3>${stateTable(address, states)}`}
<h3>From the client</h3>
${orNone(of("receive"))}
<h3>From the server</h3>
${orNone(of("send"))}
</section>`;
  }

  message({ title, description, payload }: AsyncApiMessage): Html {
    const resolve = (ref: unknown) => this.#schema(ref);
    const alternatives = alternativesOf(payload);
    const tables = alternatives.map((alternative, index) => {
      const fields = fieldsOf(alternative, resolve);
      if (alternatives.length === 1) return table(`Fields of ${title}`, "field", fields);
      const label = `Alternative ${index + 1}`;
      return html`<p>${label}</p>${table(`Fields of ${title}: ${label}`, "field", fields)}`;
    });
    return html`${description === undefined ? "" : html`<p dir="auto">${withCode(description)}</p>`}
${tables}
<details><summary>JSON Schema</summary><pre tabindex="0" role="group" aria-label="JSON Schema of ${title}"><code>${JSON.stringify(payload, undefined, 2)}</code></pre></details>`;
  }

  #operation(id: string, operation: AsyncApiOperation, states: AsyncApiChannel["x-states"]): Html {
    const { title, messages, reply } = operation;
    const legal =
      states === undefined || operation.action === "send"
        ? undefined
        : Object.keys(states).filter((state) => states[state]?.includes(title));
    const [answer] = reply?.messages ?? [];
    return html`<article id="${id}" aria-labelledby="${id}:title">
<h4 id="${id}:title"><code>${title}</code>${reply === undefined ? "" : html` <small>asks</small>`}</h4>
${legal && html`<p>In the states: ${codes(legal)}</p>`}
${messages.map((reference) => this.message(this.#message(reference)))}
${answer && html`<h5>Reply</h5>${this.message(this.#message(answer))}<p>Or an <a href="#:errors">error</a> with the same <code>id</code>.</p>`}
</article>`;
  }

  /** The operations of a channel by their keys. The error has its own section. */
  #operations(key: string): readonly (readonly [string, AsyncApiOperation])[] {
    return Object.entries(this.#document.operations).filter(
      ([id]) => id.startsWith(`${key}.`) && id !== `${key}.error`,
    );
  }

  /** A message of a channel is never a reference, except for the error. */
  #message({ $ref }: Reference): AsyncApiMessage {
    const [, , channel = "", , ...message] = $ref.split("/");
    return this.#document.channels[channel]?.messages[message.join("/")] as AsyncApiMessage;
  }

  #schema(ref: unknown): JsonSchema | undefined {
    return typeof ref === "string"
      ? this.#document.components.schemas?.[ref.slice(ref.lastIndexOf("/") + 1)]
      : undefined;
  }
}

const directions = { receive: "from the client", send: "from the server" } as const;

const orNone = (parts: readonly Html[]): Html => (parts.length === 0 ? html`<p>None.</p>` : html`${parts}`);

/** A list of names. */
const codes = (names: readonly string[]): Html =>
  names.length === 0
    ? html`none`
    : html`${names.map((name, index) => html`${index === 0 ? "" : ", "}<code>${name}</code>`)}`;

function table(label: string, head: string, fields: readonly Field[]): Html {
  const rows = fields.map(
    ({ path, type, isRequired, description }) =>
      html`<tr><th scope="row"><code>${path}</code></th><td><code>${type}</code>${isRequired ? "" : html` <small>optional</small>`}</td><td dir="auto">${withCode(description)}</td></tr>`,
  );
  return html`<div class="wide" tabindex="0" role="group" aria-label="${label}"><table>
<thead><tr><th scope="col">${head}</th><th scope="col">type</th><th scope="col">description</th></tr></thead>
<tbody>${rows}</tbody></table></div>`;
}

function stateTable(address: string, states: NonNullable<AsyncApiChannel["x-states"]>): Html {
  const rows = Object.entries(states).map(
    ([state, types]) => html`<tr><th scope="row"><code>${state}</code></th><td>${codes(types)}</td></tr>`,
  );
  return html`<div class="wide" tabindex="0" role="group" aria-label="States of ${address}"><table>
<thead><tr><th scope="col">state</th><th scope="col">frames that the server takes</th></tr></thead>
<tbody>${rows}</tbody></table></div>`;
}
