import { type DeclarationReflection, type ProjectReflection, ReflectionKind } from "typedoc";

/** Interfaces whose properties need a docstring each: their names do not tell units and defaults. */
const tables = /(?:Options|Limits|Counters|Supervision|Capabilities)$/;

const memberKinds = ReflectionKind.Class | ReflectionKind.Interface;

/**
 * The parts of the API that need a docstring and have none, as `greenroom/client: Client.ask`: the entry points, all
 * that they export, the members of classes, the methods of interfaces, and the properties of options, limits and
 * counters. Inherited members are reported once.
 */
export function findUndocumented(project: ProjectReflection): string[] {
  const missing = new Set<string>();
  for (const module of project.children ?? []) {
    if (!module.hasComment()) missing.add(module.name);
    for (const exported of module.children ?? []) {
      if (exported.kindOf(ReflectionKind.Reference)) continue;
      if (!hasDocstring(exported)) missing.add(`${module.name}: ${exported.name}`);
      for (const member of membersOf(exported)) {
        if (hasDocstring(member)) continue;
        missing.add(`${module.name}: ${member.inheritedFrom?.name ?? `${exported.name}.${member.name}`}`);
      }
    }
  }
  return [...missing].map((name) => `${name} has no docstring`);
}

function membersOf(owner: DeclarationReflection): readonly DeclarationReflection[] {
  if (!owner.kindOf(memberKinds)) return [];
  const needsAll = owner.kindOf(ReflectionKind.Class) || tables.test(owner.name);
  return (owner.children ?? []).filter(
    (member) =>
      !member.flags.isExternal &&
      !member.kindOf(ReflectionKind.Constructor) &&
      (needsAll || member.kindOf(ReflectionKind.Method)),
  );
}

/** Each overload of a function needs a docstring of its own. An accessor needs one at its getter. */
function hasDocstring(reflection: DeclarationReflection): boolean {
  const { signatures, getSignature, type } = reflection;
  if (reflection.hasComment()) return true;
  if (getSignature !== undefined) return getSignature.hasComment();
  // A property or alias with a function type has the docstring at the signature.
  const all = signatures ?? (type?.type === "reflection" ? type.declaration.signatures : undefined);
  return all?.every((signature) => signature.hasComment()) ?? false;
}
