import type { z } from "zod";
import { customType, delegate, str } from "../../config/schema";

/** What is wrong with a run id or stage name: it has to name a folder below the output root. Null: nothing. */
export function runPathProblem(name: string): string | null {
  const received = `received ${JSON.stringify(name)}`;
  if (/[\p{Cc}\\]/u.test(name)) return `expected a name without control characters and "\\", ${received}`;
  if (/^(\/|[a-zA-Z]:)/.test(name)) return `expected a name below the output root, not an absolute path, ${received}`;
  if (name.split("/").some((part) => part === "" || part === "." || part === ".."))
    return `expected a name below the output root, without "..", "." and empty parts, ${received}`;
  return null;
}

/** What is wrong with a text that becomes part of a file's name. Null: nothing. */
export function fileNameProblem(text: string): string | null {
  return /[\p{Cc}\\/]/u.test(text)
    ? `expected a part of a file's name, without "/", "\\" and control characters, received ${JSON.stringify(text)}`
    : null;
}

/** A run id: a folder below the output root, e.g. `2026-01-31_x7k2p` or `sweep/0`. */
export function runId(): z.ZodType<string, string> {
  return checked(runPathProblem);
}

/** The id of a run that is there; a number, as Slurm's jobs have it, is its text. */
export function existingRunId(): z.ZodType<string, string | number> {
  return customType((input, context) => delegate(runId(), existingRunName(input), context));
}

/** The text of a run id that may be a number. */
export function existingRunName(id: unknown): unknown {
  return typeof id === "number" && Number.isSafeInteger(id) ? String(id) : id;
}

/** A stage name: a folder below that of the run; empty: none. */
export function stageName(): z.ZodType<string, string> {
  return checked((name) => (name === "" ? null : runPathProblem(name)));
}

/** A text that becomes part of a file's name: a model's name, a checkpoint tag. */
export function fileNamePart(): z.ZodType<string, string> {
  return checked(fileNameProblem);
}

function checked(problem: (text: string) => string | null): z.ZodType<string, string> {
  return str().superRefine((text, context) => {
    const message = problem(text);
    if (message !== null) context.addIssue({ code: "custom", message });
  });
}
