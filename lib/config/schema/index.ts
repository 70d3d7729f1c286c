/**
 * Schemas of configs: zod types with the framework's conventions.
 *
 * - Leaves (`fields.ts`): `str() int({ ge: 1 }) float({ gt: 0 }) bool() literal("a", "b") list(x) set(x) tuple(a, b)
 *   mapping(x) oneOf(int(), str()) any() optional(x)`. All chain as zod types do: `int().default(3)`. No default means
 *   required. `optional(x)` is Python's `x | None = None`.
 * - Classes (`config-class.ts`): `defineConfig(name, { extra, fields, check, … })`, `Parent.extend(name, { … })`,
 *   `shared(SubConfig)` for sub-configs that take values from their parent. Keys keep their YAML spelling.
 * - Unions: `registered(BaseConfig)` (the schema that is registered for the `kind`), `taggedUnion("mode", [A, B])`,
 *   `smartUnion([A, B])`; one of your own: `choice`. A type of your own: `customType`.
 *
 * A class is in one file with its config and its registration:
 *
 * ```ts
 * export const DragCallbackConfig = CallBackBaseConfig.extend("DragCallbackConfig", {
 *   fields: { name: tag("DragCallback"), axis: int({ ge: 0, le: 2 }).default(0) },
 * });
 * export type DragCallbackConfig = z.output<typeof DragCallbackConfig>;
 *
 * export class DragCallback extends PeriodicCallback {
 *   static readonly schema: z.ZodType = DragCallbackConfig;
 * }
 *
 * register("noether.core.callbacks.DragCallback", { class: DragCallback });
 * ```
 */
export * from "./custom-type";
export * from "./fields";
export * from "./config-class";
export * from "./choice";
export * from "./unions";
export * from "./registered";
export * from "./validate";
export * from "./dump";
export * from "./json-schema";
export { keyTable, type KeyRow } from "./key-table";
