import { z } from "zod";
import { type AnyConfigClass, configClassOf } from "./config-class";
import { customType, delegate, isMapping, refuse, report, type FieldType } from "./custom-type";

/** Reports a problem of the choice, at a key of the mapping or at the mapping itself. */
export type Problem = (message: string, ...path: readonly PropertyKey[]) => void;

/** What {@link choice} takes. */
export interface ChoiceOptions {
  /** What is expected where the value is not a mapping: `a mapping (ModelBaseConfig)`. */
  readonly expected: string;
  /** Whether a config that is already validated is taken as it is. Default: every one. */
  readonly accepts?: (type: AnyConfigClass) => boolean;
  /** The type that validates a mapping; undefined after a problem was reported. */
  /** The classes that it chooses from, for those who describe it: these, or all kinds that extend one. */
  readonly among?: { readonly base: AnyConfigClass } | { readonly members: readonly AnyConfigClass[] };
  readonly choose: (input: Record<string, unknown>, problem: Problem) => FieldType | undefined;
}

/** A sub-config whose type depends on what the mapping says. */
export function choice<O, I = O>({ expected, accepts = () => true, among, choose }: ChoiceOptions): z.ZodType<O, I> {
  const type = customType<O, I>((input, context) => {
    const given = configClassOf(input);
    if (given && accepts(given)) return input as O;
    if (!isMapping(input)) return refuse(context, input, expected);
    const chosen = choose(input, (message, ...path) => report(context, input, message, path));
    return chosen ? (delegate(chosen, input, context) as O) : z.NEVER;
  });
  if (among !== undefined) choices.set(type, among);
  return type;
}

const choices = new WeakMap<FieldType, NonNullable<ChoiceOptions["among"]>>();

/** What a {@link choice} chooses from. */
export function choiceAmong(type: FieldType): ChoiceOptions["among"] {
  return choices.get(type);
}
