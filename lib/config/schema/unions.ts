import type { z } from "zod";
import { suggestNames } from "../nearest-names";
import { choice } from "./choice";
import { type AnyConfigClass, type Fields, isSubclass } from "./config-class";
import { describe } from "./custom-type";
import { literalValues } from "./fields";

type Output<T extends readonly AnyConfigClass[]> = z.output<T[number]>;
type Input<T extends readonly AnyConfigClass[]> = z.input<T[number]>;

/** Whether a validated config belongs to one of `members`. */
const isMember = (members: readonly AnyConfigClass[]) => (type: AnyConfigClass) =>
  members.some((member) => isSubclass(type, member));

/** Members by the literal values of their tag. */
function byTagValue(tag: string, members: readonly AnyConfigClass[]): Map<string, AnyConfigClass> {
  const table = new Map<string, AnyConfigClass>();
  for (const member of members) {
    const values = literalValues((member.fields as Fields)[tag]!);
    if (!values) throw new Error(`internal: ${member.configName} declares no literal "${tag}"`);
    for (const value of values) table.set(value, member);
  }
  return table;
}

/**
 * A closed union chosen by the value of one key, whose literal every member declares (`mode: literal("vector")`). The
 * key is required in the input. Where classes of the user may join, use {@link registered}.
 */
export function taggedUnion<const T extends readonly AnyConfigClass[]>(
  tag: string,
  members: T,
): z.ZodType<Output<T>, Input<T>> {
  const table = byTagValue(tag, members);
  return choice({
    expected: `a mapping with "${tag}"`,
    accepts: isMember(members),
    among: { members },
    choose: (input, problem) => {
      const value = input[tag];
      const member = typeof value === "string" ? table.get(value) : undefined;
      const known = suggestNames(String(value), table.keys());
      if (value === undefined) problem(`missing "${tag}"; ${known}`);
      else if (!member) problem(`unknown ${tag} ${describe(value).replace(/^the string /, "")}; ${known}`, tag);
      return member;
    },
  });
}

/**
 * An untagged union: every member is tried; the one that takes the most keys of the input wins, ties go to the first
 * declared. When none fits, the problems of the member that came closest are reported.
 */
export function smartUnion<const T extends readonly AnyConfigClass[]>(members: T): z.ZodType<Output<T>, Input<T>> {
  return choice({
    expected: "a mapping",
    accepts: isMember(members),
    among: { members },
    choose: (input) => {
      const keys = Object.keys(input);
      const candidates = members.map((member) => ({
        member,
        issues: member.safeParse(input).error?.issues.length ?? 0,
        taken: keys.filter((key) => key in (member.fields as Fields)).length,
      }));
      // sorting is stable: ties stay in the order of declaration
      const byKeys = candidates.sort((a, b) => b.taken - a.taken);
      const valid = byKeys.find(({ issues }) => issues === 0);
      return (valid ?? byKeys.sort((a, b) => b.taken - a.taken || a.issues - b.issues)[0])?.member;
    },
  });
}
