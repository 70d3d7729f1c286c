import { z } from "zod";
import { suggestNames } from "../nearest";
import { configClassOf, isSubclass, type AnyConfigClass } from "./config-class";
import { describe, forwardIssues, isMapping, literalValues, report } from "./fields";

type Output<T extends readonly AnyConfigClass[]> = z.output<T[number]>;
type Input<T extends readonly AnyConfigClass[]> = z.input<T[number]>;

/** The config class a validated object belongs to among `members`, if any. */
function alreadyValid(input: unknown, members: readonly AnyConfigClass[]): boolean {
  const type = configClassOf(input);
  return type !== undefined && members.some((member) => isSubclass(type, member));
}

/**
 * A union chosen by the value of one key, whose literal every member declares
 * (`kind: literal("noether.core.trackers.WandBTracker")`). The key is required in the input.
 */
export function taggedUnion<const T extends readonly AnyConfigClass[]>(
  tag: string,
  members: T,
): z.ZodType<Output<T>, Input<T>> {
  const byTag = new Map<string, AnyConfigClass>();
  for (const member of members) {
    const values = literalValues((member.fields as Record<string, z.ZodType>)[tag]!);
    if (!values) throw new Error(`internal: ${member.configName} declares no literal "${tag}"`);
    for (const value of values) byTag.set(value, member);
  }
  const type = z.transform<unknown, unknown>((input, context) => {
    if (alreadyValid(input, members)) return input;
    if (!isMapping(input)) {
      report(context, input, `expected a mapping with "${tag}", received ${describe(input)}`);
      return z.NEVER;
    }
    const value = input[tag];
    const member = typeof value === "string" ? byTag.get(value) : undefined;
    if (!member) {
      const message =
        value === undefined ? `missing "${tag}"` : `unknown ${tag} ${describe(value).replace(/^the string /, "")}`;
      report(
        context,
        input,
        `${message}; ${suggestNames(String(value), byTag.keys())}`,
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
