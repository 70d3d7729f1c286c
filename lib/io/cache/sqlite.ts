/** What is used of SQLite: Node's own (from 22.13 on), or the package `better-sqlite3`. */
import { createRequire } from "node:module";
import { IoError, systemCode } from "../errors";

/** A statement that is prepared. */
export interface SqliteStatement {
  run(...values: readonly SqliteValue[]): unknown;
  get(...values: readonly SqliteValue[]): unknown;
  all(...values: readonly SqliteValue[]): unknown[];
}

/** What a column holds here. */
export type SqliteValue = string | number;

/** A database. */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
  close(): void;
}

type Open = new (path: string) => SqliteDatabase;

/**
 * Opens a database, which is made if it is not there.
 *
 * @throws IoError (`IO_MISSING_PACKAGE`) where there is no SQLite
 */
export function openSqlite(path: string): SqliteDatabase {
  const Database = nodeSqlite() ?? betterSqlite();
  if (Database === null)
    throw new IoError(
      "IO_MISSING_PACKAGE",
      `expected node:sqlite of Node 22.13 or later, or the package better-sqlite3, got neither with Node ${process.version}: npm install better-sqlite3`,
    );
  return new Database(path);
}

function nodeSqlite(): Open | null {
  const { getBuiltinModule } = process as { getBuiltinModule?: (name: string) => { DatabaseSync: Open } | undefined };
  return getBuiltinModule?.("node:sqlite")?.DatabaseSync ?? null;
}

function betterSqlite(): Open | null {
  try {
    return createRequire(__filename)("better-sqlite3") as Open;
  } catch (error) {
    if (systemCode(error) === "MODULE_NOT_FOUND") return null;
    throw error;
  }
}
