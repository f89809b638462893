import { find } from "./dom.js";

/**
 * A copy of the content of the template `id`.
 *
 * @param {string} id
 * @returns {DocumentFragment}
 */
export function copyTemplate(id) {
  return document.importNode(find(document, `template#${id}`, HTMLTemplateElement).content, true);
}

/**
 * Adds the parts that all connections have in common to `section`. A template of the section with a
 * `data-slot` fills the slot of that name. The id of each part begins with the id of the section.
 *
 * @param {HTMLElement} section
 */
export function fillPanel(section) {
  const parts = copyTemplate("connection");
  const about = section.querySelector(".about");
  if (about) find(parts, "slot[name=door]", HTMLSlotElement).append(about);
  for (const own of section.querySelectorAll("template[data-slot]")) {
    if (!(own instanceof HTMLTemplateElement)) continue;
    find(parts, `slot[name=${own.dataset.slot}]`, HTMLSlotElement).replaceChildren(
      document.importNode(own.content, true),
    );
  }
  for (const slot of parts.querySelectorAll("slot")) slot.replaceWith(...slot.childNodes);
  for (const part of parts.querySelectorAll("[data-part]"))
    part.id = `${section.id}-${part.getAttribute("data-part")}`;
  for (const label of parts.querySelectorAll("label")) label.htmlFor = `${section.id}-${label.htmlFor}`;
  const log = find(parts, "[role=log]", HTMLElement);
  log.ariaLabel = section.dataset.log ?? "";
  log.dataset.empty = section.dataset.empty;
  section.append(parts);
}
