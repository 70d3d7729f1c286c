/**
 * What is asked of a zod type that goes into a config class: what it gives and takes. Not `FieldType` itself, against which TypeScript
 * would compare every method of each wrapper (`ZodDefault`, …), which took a second of each type check of a project.
 */
export interface FieldType<out O = unknown, out I = unknown> {
  readonly _zod: { readonly output: O; readonly input: I };
}
