// The differences between the Markdown of GitHub, for which the pages are written, and that of VitePress.
import { slug } from "github-slugger";
import type { MarkdownOptions, MarkdownRenderer } from "vitepress";
import { example } from "./home.ts";
import { repositoryPath, targetOf } from "./pages.ts";

/**
 * The part of markdown-it's environment that VitePress sets. With rewrites, `realPath` is the path of the file. The
 * search sets `path` only, and titles are rendered without both.
 */
interface PageEnvironment {
  readonly realPath?: string;
  readonly path?: string;
}

const isRelative = (href: string) => !/^(?:[a-z]+:|#|\/)/i.test(href);

/** Leads the relative links of a page to pages of the site, or to the repository. Other links become text. */
function resolveLinks(md: MarkdownRenderer): void {
  md.core.ruler.push("repository-links", ({ tokens, env }) => {
    const { path, realPath = path }: PageEnvironment = env;
    if (realPath === undefined) return;
    const file = repositoryPath(realPath);
    for (const { children } of tokens) {
      let isText = false;
      for (const token of children ?? []) {
        const link = token.type === "link_open" ? token.attrGet("href") : null;
        if (link !== null && isRelative(link)) {
          const { href } = targetOf(file, link);
          isText = href === undefined;
          if (href !== undefined) token.attrSet("href", href);
        }
        if (isText && token.type.startsWith("link_")) {
          token.tag = "span";
          token.attrs = [];
          if (token.type === "link_close") isText = false;
        }
      }
    }
  });
}

/** Shows `<picture>` elements by the theme of the site, which may differ from that of the system. */
function choosePictures(md: MarkdownRenderer): void {
  const { html_block: render } = md.renderer.rules;
  md.renderer.rules.html_block = (tokens, index, ...rest) => {
    const html = render?.(tokens, index, ...rest) ?? tokens[index]?.content ?? "";
    return html.replaceAll(
      /<picture>\s*<source [^>]*srcset="(.*?)">\s*<img src="(.*?)"([^>]*)>\s*<\/picture>/g,
      '<img class="if-dark" src="$1"$3><img class="if-light" src="$2"$3>',
    );
  };
}

/** Wraps tables, so that a wide table scrolls instead of the page. */
function wrapTables(md: MarkdownRenderer): void {
  md.renderer.rules.table_open = () => '<div class="scrolling">\n<table>\n';
  md.renderer.rules.table_close = () => "</table>\n</div>\n";
}

/** Draws diagrams, and gives indented code the look of fenced code. */
function drawDiagrams(md: MarkdownRenderer): void {
  const { fence } = md.renderer.rules;
  md.renderer.rules.code_block = (tokens, index, ...rest) => {
    const token = tokens[index];
    if (token !== undefined) token.info = "text";
    return fence?.(tokens, index, ...rest) ?? "";
  };
  md.renderer.rules.fence = (tokens, index, ...rest) => {
    const { info = "", content = "" } = tokens[index] ?? {};
    if (info.trim() === "mermaid") return `<MermaidDiagram source="${encodeURIComponent(content)}" />\n`;
    return fence?.(tokens, index, ...rest) ?? "";
  };
}

/** Vue reads `{{` in text as an expression. Code is exempt already. */
function escapeBraces(md: MarkdownRenderer): void {
  const { text } = md.renderer.rules;
  md.renderer.rules.text = (...args) => (text?.(...args) ?? "").replaceAll("{{", "&#123;&#123;");
}

function insertExample(md: MarkdownRenderer): void {
  md.core.ruler.before("normalize", "example", (state) => {
    state.src = state.src.replace("<!-- the example of README.md -->", example);
  });
}

export const markdown: MarkdownOptions = {
  theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
  anchor: { slugify: (heading) => slug(heading) },
  languageAlias: { caddy: "nginx", haproxy: "nginx" },
  config(md) {
    for (const change of [
      resolveLinks,
      choosePictures,
      wrapTables,
      drawDiagrams,
      escapeBraces,
      insertExample,
    ]) {
      change(md);
    }
  },
};
