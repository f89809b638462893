import DefaultTheme from "vitepress/theme-without-fonts";
import { h } from "vue";
import { correctFocus } from "./focus.ts";
import { MermaidDiagram } from "./mermaid-diagram.ts";
import scene from "./scene.svg?raw";

import "./style.css";

const bulbs = () => h("div", { class: "bulbs", "aria-hidden": "true" });

export default {
  extends: DefaultTheme,
  Layout: () =>
    h(DefaultTheme.Layout, null, {
      "home-hero-image": () => h("div", { class: "scene", innerHTML: scene }),
      "home-hero-after": bulbs,
    }),
  enhanceApp({ app }: { app: { component(name: string, component: unknown): unknown } }) {
    app.component("MermaidDiagram", MermaidDiagram);
    correctFocus();
  },
};
