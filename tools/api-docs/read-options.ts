import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";

/** A property of an interface, or a static property of a class. */
export interface Described {
  readonly name: string;
  /** The docstring without its tags, in one line. */
  readonly text: string;
  /** The text of `@default`; undefined without this tag. */
  readonly standard: string | undefined;
}

const root = new URL("../../", import.meta.url);
const parsed = new Map<string, ts.SourceFile>();

function sourceOf(file: string): ts.SourceFile {
  const known = parsed.get(file);
  if (known !== undefined) return known;
  const path = fileURLToPath(new URL(file, root));
  const source = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true);
  parsed.set(file, source);
  return source;
}

/** The own properties of the interface `type`, or the static properties of the class `type`, in their order. */
export function propertiesOf(file: string, type: string): Described[] {
  const found: Described[] = [];
  for (const node of sourceOf(file).statements) {
    const isClass = ts.isClassDeclaration(node);
    if (!(isClass || ts.isInterfaceDeclaration(node)) || node.name?.text !== type) continue;
    for (const member of node.members) {
      const isStatic =
        ts.canHaveModifiers(member) && (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Static) !== 0;
      const isProperty = isClass
        ? ts.isPropertyDeclaration(member) && isStatic
        : ts.isPropertySignature(member);
      if (isProperty) found.push(describe(member as ts.PropertySignature));
    }
  }
  if (found.length === 0) throw new Error(`${file} has no type ${type} with properties.`);
  return found;
}

function describe(member: ts.PropertySignature | ts.PropertyDeclaration): Described {
  const docs = ts.getJSDocCommentsAndTags(member).filter(ts.isJSDoc);
  const tag = ts.getJSDocTags(member).find(({ tagName }) => tagName.text === "default");
  return {
    name: member.name.getText(),
    text: inOneLine(docs.map(({ comment }) => textOf(comment)).join(" ")),
    standard: tag && inOneLine(textOf(tag.comment)),
  };
}

const textOf = (comment: ts.JSDoc["comment"]) => ts.getTextOfJSDocComment(comment) ?? "";
const inOneLine = (text: string) =>
  text
    .replace(/\{@link (\S+?)\}/g, "`$1`")
    .replace(/\s+/g, " ")
    .trim();

/**
 * The default values that the code of a file sets, by name, as they stand in a table: those of destructured
 * parameters (`{ idleMs = 60_000 }`) and of limits by name (`{ option: "capacity", fallback: 100 }`). Values that are
 * not literals are left out.
 */
export function defaultsIn(file: string): Map<string, string> {
  const defaults = new Map<string, string>();
  const source = sourceOf(file);
  const visit = (node: ts.Node) => {
    if (ts.isBindingElement(node) && node.initializer !== undefined) {
      add((node.propertyName ?? node.name).getText(), node.initializer);
    }
    if (ts.isObjectLiteralExpression(node)) {
      const option = propertyValue(node, "option");
      const fallback = propertyValue(node, "fallback");
      if (option !== undefined && fallback !== undefined && ts.isStringLiteral(option))
        add(option.text, fallback);
    }
    ts.forEachChild(node, visit);
  };
  const add = (name: string, value: ts.Expression) => {
    const literal = literalOf(value);
    if (literal !== undefined) defaults.set(name, literal);
  };
  visit(source);
  return defaults;
}

function propertyValue(object: ts.ObjectLiteralExpression, name: string): ts.Expression | undefined {
  const property = object.properties.find((one) => one.name?.getText() === name);
  return property !== undefined && ts.isPropertyAssignment(property) ? property.initializer : undefined;
}

/** A literal as it stands in a table. Undefined for any other expression, and for empty objects and lists. */
function literalOf(value: ts.Expression): string | undefined {
  const number = numberOf(value);
  if (number !== undefined) return number.toLocaleString("en-US");
  const isWord = value.kind === ts.SyntaxKind.TrueKeyword || value.kind === ts.SyntaxKind.FalseKeyword;
  return isWord || ts.isStringLiteral(value) ? `\`${value.getText()}\`` : undefined;
}

/** The value of a number, or of a product. */
function numberOf(value: ts.Expression): number | undefined {
  if (ts.isNumericLiteral(value)) return Number(value.text);
  if (!ts.isBinaryExpression(value) || value.operatorToken.kind !== ts.SyntaxKind.AsteriskToken)
    return undefined;
  const [left, right] = [numberOf(value.left), numberOf(value.right)];
  return left === undefined || right === undefined ? undefined : left * right;
}

/** The text of `@default` as it stands in a table: numbers with commas, and literals as code. */
export function formatDefault(standard: string): string {
  const numbered = standard.replace(/\b\d[\d_]{3,}\b/g, (digits) =>
    Number(digits.replaceAll("_", "")).toLocaleString("en-US"),
  );
  return /^(?:true|false|".*"|\[.*\]|\{.*\})$/.test(numbered) ? `\`${numbered}\`` : numbered;
}
