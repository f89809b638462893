import { Html } from "./html.ts";

/** The stylesheet of the page, in the colours of the inspector. The page contains it, so that one file is enough. */
export const pageStyle = new Html(`
:root {
  color-scheme: light dark;
  --floor: #e9ece0; --sheet: #fbfbf4; --paper: #f2f4e9; --ink: #17251d; --quiet: #51604f;
  --line: #d2d8c5; --green: #1f6b47; --wall: #1d4d37; --wall-ink: #f6f1df; --focus: #0b57d0;
  --text: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --floor: #0b110e; --sheet: #131c17; --paper: #0e1511; --ink: #e8ede2; --quiet: #9fb0a2;
    --line: #28362d; --green: #8ad6a6; --wall: #14382a; --wall-ink: #f3ecd5; --focus: #ffd98a;
  }
}
*, ::before, ::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; scroll-padding-top: 1rem; }
body { margin: 0; background: var(--floor); color: var(--ink); font: 1rem/1.5 var(--text);
  display: grid; grid-template-columns: minmax(14rem, 20rem) minmax(0, 1fr);
  grid-template-areas: "header header" "nav main"; gap: 1.5rem; padding-block-end: 3rem; }
header { grid-area: header; background: var(--wall); color: var(--wall-ink); padding: 1.5rem clamp(1rem, 4vw, 3rem); }
header a, header small { color: inherit; }
header p { margin: 0.25rem 0 0; max-inline-size: 70ch; overflow-wrap: anywhere; }
nav { grid-area: nav; padding-inline-start: clamp(1rem, 4vw, 3rem); align-self: start; position: sticky; top: 1rem;
  max-block-size: calc(100dvh - 2rem); overflow: auto; }
main { grid-area: main; padding-inline-end: clamp(1rem, 4vw, 3rem); }
main:focus { outline: none; }
h1 { margin: 0; font-size: 1.75rem; overflow-wrap: anywhere; }
h2 { margin: 0 0 1rem; font-size: 1.35rem; overflow-wrap: anywhere; }
h3 { margin: 1.5rem 0 0.5rem; font-size: 1.1rem; }
h4 { margin: 0; font-size: 1.05rem; overflow-wrap: anywhere; }
h5 { margin: 1.25rem 0 0; font-size: 0.95rem; }
p { margin: 0.5rem 0; overflow-wrap: anywhere; }
small { color: var(--quiet); font-size: 0.8rem; font-weight: 400; }
a { color: var(--green); }
code { font-family: var(--mono); font-size: 0.9em; overflow-wrap: anywhere; }
nav ul { list-style: none; margin: 0; padding: 0; }
nav ul ul { margin: 0 0 1rem; padding-inline-start: 0.75rem; border-inline-start: 2px solid var(--line); }
nav a { display: block; padding: 0.2rem 0; text-decoration: none; }
nav a:hover { text-decoration: underline; }
section { margin-block-end: 2rem; padding: clamp(1rem, 2.5vw, 2rem); background: var(--sheet);
  border: 1px solid var(--line); border-radius: 0.75rem; }
article { margin-block: 0.75rem; padding: 1rem; background: var(--paper); border: 1px solid var(--line);
  border-radius: 0.5rem; }
:target { border-color: var(--green); box-shadow: 0 0 0 1px var(--green); }
.wide { overflow-x: auto; margin-block: 0.75rem; }
table { inline-size: 100%; border-collapse: collapse; font-size: 0.925rem; }
th, td { text-align: start; vertical-align: top; padding: 0.35rem 0.75rem 0.35rem 0; border-block-end: 1px solid var(--line); }
thead th { color: var(--quiet); font-weight: 400; font-size: 0.8rem; }
tbody th { font-weight: 600; }
th code, td code { overflow-wrap: normal; }
thead th:nth-child(-n + 2) { inline-size: 25%; }
td:last-child { padding-inline-end: 0; min-inline-size: 10rem; }
summary { color: var(--quiet); font-size: 0.875rem; cursor: pointer; padding-block: 0.25rem; }
pre { margin: 0.5rem 0 0; padding: 0.75rem; overflow: auto; background: var(--sheet); border: 1px solid var(--line);
  border-radius: 0.5rem; }
pre code { overflow-wrap: normal; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
.skip { position: absolute; inset: 0.5rem auto auto 0.5rem; padding: 0.4rem 0.8rem; border-radius: 0.4rem;
  background: var(--sheet); z-index: 1; }
.skip:not(:focus) { clip-path: inset(50%); }
@media (max-width: 50rem) {
  body { grid-template-columns: minmax(0, 1fr); grid-template-areas: "header" "nav" "main"; gap: 1rem; }
  nav { position: static; max-block-size: none; padding-inline: 1rem; }
  nav a { padding: 0.45rem 0; }
  main { padding-inline: 0.5rem; }
  section { padding: 1rem 0.75rem; }
  article { padding: 0.75rem; }
  th, td { padding-inline-end: 0.5rem; }
  th code, td code { overflow-wrap: anywhere; }
  td:last-child { min-inline-size: 7rem; overflow-wrap: anywhere; }
}
@media (pointer: coarse) { summary { padding-block: 0.75rem; } nav a { padding: 0.6rem 0; } }
@media print { nav, .skip { display: none; } body { display: block; background: none; } }
`);
