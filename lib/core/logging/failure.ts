import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

import { packageRoot } from "../../torch/loader";

/** Lines of a stack that are shown at most, unless all of it is asked for. */
const MAX_FRAMES = 10;

/**
 * An error as its reader needs it: what is wrong, and the places in the user's own files that led there. An unexpected
 * error without such places shows its whole stack, for it may be a fault of this package. `NOETHER_FULL_ERROR=1` shows every
 * stack as a whole.
 */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (process.env["NOETHER_FULL_ERROR"] === "1") return fullStack(error);
  const isExpected = "code" in error;
  const frames = userFrames(error);
  if (frames.length > 0) return [isExpected ? error.message : headOf(error), ...frames].join("\n");
  return isExpected ? error.message : (error.stack ?? error.message);
}

/** The stack of an error and of what caused it. */
function fullStack(error: Error): string {
  const own = error.stack ?? error.message;
  return error.cause instanceof Error ? `${own}\ncaused by ${fullStack(error.cause)}` : own;
}

/** `Error: message`, as the stack begins. */
function headOf(error: Error): string {
  return `${error.name}: ${error.message}`;
}

/** `    at Foo.bar (/path/file.ts:3:4)`, `    at file:///path/file.mjs:3:4`: what comes before the path, path, line, end. */
const FRAME = /^(\s+at (?:.*?\()?(?:async )?)((?:file:\/\/)?\/.*)(:\d+:\d+\)?)$/;

/** The lines of the stack that lie in files of the user; those of the cause, where the error itself has none. */
function userFrames(error: Error): string[] {
  const frames = (error.stack ?? "").split("\n").flatMap((line) => {
    const [, before, place = "", after] = FRAME.exec(line) ?? [];
    const file = userFile(place);
    return file === null ? [] : [`${before}${file}${after}`];
  });
  if (frames.length === 0 && error.cause instanceof Error) return userFrames(error.cause);
  return frames.slice(0, MAX_FRAMES);
}

/** The path of a user's file, relative to the working directory where it lies below it; null for other people's files. */
function userFile(place: string): string | null {
  const path = place.startsWith("file://") ? fileURLToPath(place) : place;
  if (!path.startsWith(sep) || path.includes(`${sep}node_modules${sep}`)) return null;
  if (["dist", "lib"].some((folder) => path.startsWith(join(packageRoot(), folder) + sep))) return null;
  const local = relative(process.cwd(), path);
  return local.startsWith("..") ? path : local;
}
