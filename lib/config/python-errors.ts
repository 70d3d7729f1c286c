import { NoetherError } from "./errors";

/**
 * Reasons to fail under the names that users of the Python framework know, so that a program can tell them apart
 * (`error instanceof FileNotFoundError`). JavaScript's own `TypeError` stands for Python's.
 */

type Options = { cause?: unknown };

/** A value that is not allowed. */
export class ValueError extends NoetherError {
  constructor(message: string, options?: Options) {
    super("VALUE", message, options);
  }
}

/** A name that is not in a mapping. */
export class KeyError extends NoetherError {
  constructor(message: string, options?: Options) {
    super("KEY", message, options);
  }
}

/** An operation that failed, or that is not possible in this state. */
export class RuntimeError extends NoetherError {
  constructor(message: string, options?: Options) {
    super("RUNTIME", message, options);
  }
}

/** A rule between the parts of the framework that was broken. */
export class AssertionError extends NoetherError {
  constructor(message: string, options?: Options) {
    super("ASSERTION", message, options);
  }
}

/** Something that does not exist for this case, or that a subclass has to provide. */
export class NotImplementedError extends NoetherError {
  constructor(message: string, options?: Options) {
    super("NOT_IMPLEMENTED", message, options);
  }
}

/** An attribute or export that an object does not have. */
export class AttributeError extends NoetherError {
  constructor(message: string, options?: Options) {
    super("ATTRIBUTE", message, options);
  }
}

/** A file or directory that should be there. */
export class FileNotFoundError extends NoetherError {
  constructor(message: string, options?: Options) {
    super("FILE_NOT_FOUND", message, options);
  }
}

/** A file or directory that should not be there. */
export class FileExistsError extends NoetherError {
  constructor(message: string, options?: Options) {
    super("FILE_EXISTS", message, options);
  }
}
