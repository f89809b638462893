import { useData } from "vitepress";
import { defineComponent, h, nextTick, onMounted, ref, watch } from "vue";

let drawn = 0;

/** The value of a colour of the style sheet, as Mermaid needs it. */
const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/**
 * Draws a diagram in the colours of the page, at 70 % of its size or more. Mermaid is large, and loads with the
 * first diagram.
 */
async function draw(source: string): Promise<string> {
  const { default: mermaid } = await import("mermaid");
  mermaid.initialize({
    startOnLoad: false,
    theme: "base",
    fontFamily: getComputedStyle(document.body).fontFamily,
    themeVariables: {
      background: colour("--sheet"),
      mainBkg: colour("--paper"),
      primaryColor: colour("--paper"),
      primaryTextColor: colour("--ink"),
      primaryBorderColor: colour("--edge"),
      secondaryColor: colour("--sheet"),
      tertiaryColor: colour("--sheet"),
      clusterBkg: colour("--sheet"),
      clusterBorder: colour("--line"),
      lineColor: colour("--quiet"),
      textColor: colour("--ink"),
      noteBkgColor: colour("--note"),
      noteTextColor: colour("--ink"),
      noteBorderColor: colour("--edge"),
      edgeLabelBackground: colour("--sheet"),
    },
  });
  drawn += 1;
  const { svg } = await mermaid.render(`diagram-${drawn}`, source);
  return svg.replace(
    /max-width: ([\d.]+)px;/,
    (style, width) => `${style} min-width: ${Number(width) * 0.7}px;`,
  );
}

/**
 * A diagram of a page: its source until it is drawn, and if scripts are off. `source` is encoded like a part of a
 * URL. A narrow page scrolls a wide diagram, so that its text stays legible.
 */
export const MermaidDiagram = defineComponent({
  props: { source: { type: String, required: true } },
  setup(props) {
    const { isDark } = useData();
    const source = decodeURIComponent(props.source);
    const svg = ref("");
    const redraw = async () => {
      await nextTick(); // the colours of the page change first
      svg.value = await draw(source);
    };
    onMounted(redraw);
    watch(isDark, redraw);
    return () =>
      svg.value === ""
        ? h("pre", { class: "diagram scrolling" }, source)
        : h("div", { class: "diagram scrolling", innerHTML: svg.value });
  },
});
