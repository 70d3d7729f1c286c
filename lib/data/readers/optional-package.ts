import { RuntimeError } from "../../config/python-errors";

/**
 * Loads a package that only some formats need, and that is not installed with this one.
 *
 * @throws RuntimeError that says how to install it.
 */
export async function optionalPackage<T>(specifier: string, format: string): Promise<T> {
  try {
    return (await import(specifier)) as T;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "ERR_MODULE_NOT_FOUND" && code !== "MODULE_NOT_FOUND") throw error;
    const name = specifier.startsWith("@") ? specifier.split("/").slice(0, 2).join("/") : specifier.split("/")[0];
    throw new RuntimeError(`expected the package ${name}, which reads ${format}, got none: npm install ${name}`, {
      cause: error,
    });
  }
}
