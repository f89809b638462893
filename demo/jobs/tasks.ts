import type { JobKind } from "./job.ts";

const spanish: Readonly<Record<string, string>> = {
  // Without a prototype, because a text may be "constructor".
  __proto__: null as never,
  hello: "hola",
  world: "mundo",
  "good morning": "buenos días",
  "thank you": "gracias",
};

const answers: readonly (readonly [RegExp, string])[] = [
  [/weather/i, "Look out of the window: that forecast is never wrong about now."],
  [/food|eat/i, "Something warm, and enough of it for every guest."],
  [/help/i, "Of course. Begin with the part that you understand least, and explain it to a friend."],
];

export const tasks: Readonly<Record<JobKind, (content: string) => string>> = {
  translate(content) {
    const translated = spanish[content.trim().toLowerCase()] ?? `[TRANSLATED: ${content}]`;
    return `🌍 Translated: '${content}' → '${translated}'`;
  },

  analyze(content) {
    const count = (letters: RegExp) => content.match(letters)?.length ?? 0;
    return [
      `📊 Analysis of '${content}':`,
      `• Characters: ${[...content].length}`,
      `• Words: ${count(/\S+/g)}`,
      `• Vowels: ${count(/[aeiou]/gi)}`,
      `• Consonants: ${count(/(?![aeiou])\p{L}/giu)}`,
    ].join("\n");
  },

  generate(content) {
    const [, answer = "I have thought about it, and would like to hear more."] =
      answers.find(([about]) => about.test(content)) ?? [];
    return `🤖 AI Response to '${content}':\n${answer}`;
  },

  default: (content) => `✅ Processed: ${content.toUpperCase()}`,
};
