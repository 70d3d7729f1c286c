import { z } from "zod";

/** The type inside of `.default()`, `.nullable()`, `.optional()` and `shared()`. */
export function unwrap(type: z.ZodType | undefined): z.ZodType | undefined {
  if (type instanceof z.ZodDefault || type instanceof z.ZodNullable || type instanceof z.ZodOptional)
    return unwrap(type.unwrap() as z.ZodType);
  return type instanceof z.ZodLazy ? unwrap(type.unwrap() as z.ZodType) : type;
}
