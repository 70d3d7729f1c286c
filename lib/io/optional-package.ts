import { IoError, systemCode } from "./errors";

/**
 * Loads a package that only some transfers need, and that is not installed with this one.
 *
 * @param use what it is needed for
 * @throws IoError (`IO_MISSING_PACKAGE`) that says how to install it
 */
export async function optionalPackage<T>(name: string, use: string): Promise<T> {
  try {
    return (await import(name)) as T;
  } catch (error) {
    if (systemCode(error) !== "ERR_MODULE_NOT_FOUND" && systemCode(error) !== "MODULE_NOT_FOUND") throw error;
    throw new IoError(
      "IO_MISSING_PACKAGE",
      `expected the package ${name}, which ${use}, got none: npm install ${name}`,
      {
        cause: error,
      },
    );
  }
}
