/** Modules whose weights are not initialised. */
import { checkArgument, isPlainObject, callable } from "../../arguments";
import type { FactoryOptions } from "../factory";
import type { Module } from "../module";

/**
 * A module with anything in its parameters: for weights that are loaded next, or initialised in another way. Draws no random numbers.
 *
 * @param Class a class whose last argument is options with a device.
 * @param given its arguments.
 */
export function skipInit<Arguments extends unknown[], M extends Module>(
  Class: new (...given: Arguments) => M,
  ...given: Arguments
): M {
  checkArgument("skipInit", "Class", Class, callable);
  const last = given.at(-1);
  const options = (isPlainObject(last) ? last : {}) as FactoryOptions;
  const others = isPlainObject(last) ? given.slice(0, -1) : given;
  const onMeta: unknown[] = [...others, { ...options, device: "meta" }];
  return new Class(...(onMeta as Arguments)).toEmpty({ device: options.device ?? "cpu" });
}
