import { readFileSync } from "node:fs";

/** An `@example` of a docstring. */
export interface Example {
  /** Relative to the root of the repository. */
  readonly file: string;
  /** The line of the tag. The first line of the file has the number 1. */
  readonly line: number;
  readonly language: "ts" | "tsx";
  readonly code: string;
}

/** Finds the examples of all docstrings of a source file. */
export function examplesOf(file: string, text: string): Example[] {
  const examples: Example[] = [];
  for (const { 0: docstring, index } of text.matchAll(/\/\*\*[\s\S]*?\*\//g)) {
    const first = text.slice(0, index).split("\n").length;
    const lines = docstring
      .split("\n")
      .map((line) => line.replace(/^\s*(?:\/\*\*|\*\/|\*) ?/, "").replace(/ ?\*\/$/, ""));
    for (const [position, line] of lines.entries()) {
      if (!line.startsWith("@example")) continue;
      const rest = lines.slice(position + 1);
      const end = rest.findIndex((one) => /^@[a-z]+/.test(one));
      const body = rest.slice(0, end < 0 ? rest.length : end).join("\n");
      const [, language = "ts", fenced] = /```(tsx?)\n([\s\S]*?)```/.exec(body) ?? [];
      examples.push({
        file,
        line: first + position,
        language: language === "tsx" ? "tsx" : "ts",
        code: (fenced ?? body).trim(),
      });
    }
  }
  return examples;
}

/**
 * Completes an example to a module that the compiler can check. An example is one of:
 *
 * - members of a consumer class, if it begins with `static` or `override`
 * - statements in a method of a consumer, if it uses `this` outside of a class
 * - statements of a module
 *
 * @param modules the module for each name that an example may use without a declaration. The prelude has the classes
 *   `Base` and `ContractBase`, which the members extend.
 */
export function moduleOf({ code }: Example, modules: ReadonlyMap<string, string>): string {
  const base = /\b(?:frames<|relay\b)/.test(code) ? "ContractBase" : "Base";
  const used = [...modules.keys()].filter((name) => usesName(code, name) && !declares(code, name));
  const withImports = (body: string, names = used) =>
    `${names.map((name) => `import { ${name} } from ${JSON.stringify(modules.get(name))};\n`).join("")}${body}`;
  if (/^(?:static|override) /.test(code)) {
    const [, name = "Example"] = /<(\w+)>\(/.exec(code) ?? [];
    const others = used.filter((one) => one !== name);
    return withImports(`export class ${name} extends ${base} {\n${code}\n}\n`, [...others, base]);
  }
  if (/\bthis\./.test(code) && !/\bclass /.test(code)) {
    const method = `async example() {\n${code}\n}`;
    return withImports(`export class Example extends ${base} {\n${method}\n}\n`, [...used, base]);
  }
  return withImports(`${code}\nexport {};\n`);
}

const usesName = (code: string, name: string) => new RegExp(`(?<![.\\w"'])${name}\\b(?!["'])`).test(code);

/** Whether an example declares or imports a name. */
function declares(code: string, name: string): boolean {
  const keyword = "\\b(?:const|let|using|class|function|type|interface) ";
  const pattern = `${keyword}${name}\\b|\\bimport [^;]*\\b${name}\\b|\\bconst [{[][^=]*\\b${name}\\b[^=]*[}\\]] =`;
  return new RegExp(pattern).test(code);
}

/** The names that a module exports. Follows `export * from` to other files. */
export function exportedNames(file: URL): string[] {
  const text = readFileSync(file, "utf8");
  const all = [...text.matchAll(/^export (?:type )?\* from "(\..+)"/gm)].flatMap(([, path = ""]) =>
    exportedNames(new URL(path, file)),
  );
  const lists = [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list = ""]) =>
    list.split(",").map((item) => item.trim().replace(/^type |^.* as /g, "")),
  );
  const kinds = "const|function|abstract class|class|interface|type";
  const single = [...text.matchAll(new RegExp(`^export (?:declare )?(?:${kinds}) (\\w+)`, "gm"))];
  return [...all, ...lists, ...single.map(([, name = ""]) => name)].filter((name) => name !== "");
}
