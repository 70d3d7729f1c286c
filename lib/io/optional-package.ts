import { IoError, systemCode } from "./errors";

/**
 * Loads a package that only some transfers need, and that is not installed with this one.
 *
 * @param use what it is needed for
 * @throws IoError (`IO_MISSING_PACKAGE`) that says how to install it
 */
export async function optionalPackage<T>(name: string, use: string): Promise<T> {
  try {
    return await loaded<T>(name);
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

/** By `require` where the package allows it: Node's loader of ES modules first reads every file for the names that it exports. */
async function loaded<T>(name: string): Promise<T> {
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- see above
    return require(name) as T;
  } catch (error) {
    if (!["ERR_REQUIRE_ESM", "ERR_PACKAGE_PATH_NOT_EXPORTED"].includes(systemCode(error) ?? "")) throw error;
    return (await import(name)) as T;
  }
}
