/** Encodes texts as UTF-8. */
export const encoder = new TextEncoder();
