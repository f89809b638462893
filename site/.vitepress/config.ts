import type { Plugin } from "vite";
import { defineConfig } from "vitepress";
import { descriptions, hasApi, sidebars } from "./contents.ts";
import { features } from "./home.ts";
import { markdown } from "./markdown.ts";
import { omitted, read, repository, sitePath } from "./pages.ts";

const { description } = JSON.parse(read("package.json"));
const described = descriptions();
const mark = `data:image/svg+xml,${encodeURIComponent(read("demo/public/favicon.svg"))}`;

/** Pages are outside of this package. So Vite would not find Vue for them when it renders them; Node finds it. */
const vueOfThisPackage: Plugin = {
  name: "vue-of-this-package",
  enforce: "pre",
  resolveId: (id, _importer, { ssr }) =>
    ssr && /^vue(?:\/server-renderer)?$/.test(id) ? { id, external: true } : undefined,
};

export default defineConfig({
  title: "Greenroom",
  description,
  lang: "en",
  base: process.env.SITE_BASE ?? "/",
  srcDir: "..",
  srcExclude: omitted,
  outDir: "dist",
  rewrites: (file) => sitePath(file) ?? file,
  head: [
    ["link", { rel: "icon", href: mark, type: "image/svg+xml" }],
    ["meta", { name: "theme-color", content: "#17402d" }],
    ["meta", { name: "referrer", content: "no-referrer" }],
  ],
  ignoreDeadLinks: "localhostLinks", // the demo
  metaChunk: true, // otherwise each page repeats all sidebars
  markdown,
  vite: { plugins: [vueOfThisPackage], build: { chunkSizeWarningLimit: 3_000 } }, // Mermaid, and the index of the search
  themeConfig: {
    logo: mark,
    nav: [
      { text: "Documentation", link: "/documentation.md", activeMatch: "^/(documentation|guides|reference)" },
      { text: "Tutorial", link: "/tutorial/index.md", activeMatch: "^/tutorial/" },
      ...(hasApi ? [{ text: "API", link: "/api/index.md", activeMatch: "^/api/" }] : []),
      { text: "Design", link: "/design/index.md", activeMatch: "^/design/" },
      { text: "Changes", link: "/changes.md" },
    ],
    sidebar: sidebars(),
    outline: { level: [2, 3], label: "On this page" },
    search: { provider: "local" },
    externalLinkIcon: true,
    footer: { message: "MIT licence" },
    ...(repository !== undefined && {
      socialLinks: [{ icon: "github", link: repository }],
      editLink: { pattern: ({ filePath }) => `${repository}/edit/main/${filePath}`, text: "Edit this page" },
    }),
  },
  transformPageData(page) {
    if (page.relativePath === "index.md") {
      return { frontmatter: { ...page.frontmatter, features: features() }, description };
    }
    return { description: described.get(page.relativePath) ?? description };
  },
});
