import { existsSync } from "node:fs";

/** An interpreter with torch, if there is one: $PYTHON, or the usual place of the reference. */
export const python = [process.env["PYTHON"], "/opt/ref/bin/python"].find(
  (path) => path !== undefined && existsSync(path),
);
