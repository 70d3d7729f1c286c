import { existsSync } from "node:fs";

const { PYTHON } = process.env;

/** The interpreter with torch that the variable PYTHON names; the tests that need one are skipped without it. */
export const python = PYTHON !== undefined && existsSync(PYTHON) ? PYTHON : undefined;
