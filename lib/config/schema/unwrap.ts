import { z } from "zod";
import type { FieldType } from "./custom-type";

/** The type inside of `.default()`, `.nullable()`, `.optional()` and `shared()`. */
export function unwrap(type: FieldType | undefined): FieldType | undefined {
  if (type instanceof z.ZodDefault || type instanceof z.ZodNullable || type instanceof z.ZodOptional)
    return unwrap(type.unwrap());
  return type instanceof z.ZodLazy ? unwrap(type.unwrap()) : type;
}
