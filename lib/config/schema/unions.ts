import { z } from "zod";
import { findKind } from "../registry";
import { suggestNames } from "../nearest-names";
import { configClassOf, isConfigClass, isSubclass, type AnyConfigClass } from "./config-class";
import { describe, forwardIssues, isMapping, literalValues, report } from "./fields";

type Output<T extends readonly AnyConfigClass[]> = z.output<T[number]>;
type Input<T extends readonly AnyConfigClass[]> = z.input<T[number]>;

/** The config class a validated object belongs to among `members`, if any. */
function alreadyValid(input: unknown, members: readonly AnyConfigClass[]): boolean {
  const type = configClassOf(input);
  return type !== undefined && members.some((member) => isSubclass(type, member));
}

/** Members by the literal values of their tag. */
function byTagValue(tag: string, members: readonly AnyConfigClass[]): Map<string, AnyConfigClass> {
  const table = new Map<string, AnyConfigClass>();
  for (const member of members) {
    const values = literalValues((member.fields as Record<string, z.ZodType>)[tag]!);
    if (!values) throw new Error(`internal: ${member.configName} declares no literal "${tag}"`);
    for (const value of values) table.set(value, member);
  }
  return table;
}

/**
 * A union chosen by the value of one key, whose literal every member declares
 * (`kind: literal("noether.core.trackers.WandBTracker")`). The key is required in the input.
 *
 * @param options.open - a base class: kinds that are registered with a schema that extends it are taken too
 */
export function taggedUnion<const T extends readonly AnyConfigClass[]>(
  tag: string,
  members: T,
  options: { open?: AnyConfigClass } = {},
): z.ZodType<Output<T>, Input<T>> {
  const table = byTagValue(tag, members);
  const { open } = options;
  const registeredMember = (value: string): AnyConfigClass | undefined => {
    const schema = open && findKind(value)?.schema;
    return open && isConfigClass(schema) && isSubclass(schema, open) ? schema : undefined;
  };
  const type = z.transform<unknown, unknown>((input, context) => {
    if (alreadyValid(input, open ? [...members, open] : members)) return input;
    if (!isMapping(input)) {
      report(context, input, `expected a mapping with "${tag}", received ${describe(input)}`);
      return z.NEVER;
    }
    const value = input[tag];
    const member = typeof value === "string" ? (table.get(value) ?? registeredMember(value)) : undefined;
    if (!member && open && typeof value === "string" && findKind(value)) {
      const message = `expected "${value}" to declare a static schema that extends ${open.configName}, so that its config can be checked`;
      report(context, input, message, [tag]);
      return z.NEVER;
    }
    if (!member) {
      const message =
        value === undefined ? `missing "${tag}"` : `unknown ${tag} ${describe(value).replace(/^the string /, "")}`;
      report(
        context,
        input,
        `${message}; ${suggestNames(String(value), table.keys())}`,
        value === undefined ? [] : [tag],
      );
      return z.NEVER;
    }
    const result = member.safeParse(input);
    if (result.success) return result.data;
    forwardIssues(context, result.error, input, []);
    return z.NEVER;
  });
  return type as unknown as z.ZodType<Output<T>, Input<T>>;
}

/**
 * An untagged union: every member is tried; the one that takes the most keys of the input wins, ties go to the first
 * declared. When none fits, the problems of the member that came closest are reported.
 */
export function smartUnion<const T extends readonly AnyConfigClass[]>(members: T): z.ZodType<Output<T>, Input<T>> {
  const type = z.transform<unknown, unknown>((input, context) => {
    if (alreadyValid(input, members)) return input;
    const keys = isMapping(input) ? Object.keys(input) : [];
    const taken = (member: AnyConfigClass) => keys.filter((key) => key in (member.fields as object)).length;
    const results = members.map((member) => ({ member, result: member.safeParse(input), taken: taken(member) }));
    const valid = results.filter(({ result }) => result.success).sort((a, b) => b.taken - a.taken)[0];
    if (valid?.result.success) return valid.result.data;
    const issueCount = (entry: (typeof results)[number]) => entry.result.error?.issues.length ?? 0;
    const closest = [...results].sort((a, b) => b.taken - a.taken || issueCount(a) - issueCount(b))[0];
    if (closest?.result.error) forwardIssues(context, closest.result.error, input, []);
    return z.NEVER;
  });
  return type as unknown as z.ZodType<Output<T>, Input<T>>;
}
