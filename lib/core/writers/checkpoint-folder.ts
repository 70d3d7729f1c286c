import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmdirSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { join } from "node:path";

import { save } from "../../torch";
import { MARK_PATTERN, ownMark } from "../../io/files/process-mark";
import { isDead, removeDeadTemporaries, tryRemove } from "../../io/files/temporary";
import { RuntimeError, ValueError } from "../../config/python-errors";

const PENDING = new RegExp(`^\\.pending-(${MARK_PATTERN})-[0-9a-f]+$`);
const COMMITTED = /^\.commit-(\d+)-/;

/**
 * The files of a run's checkpoints, changed in steps that happen as a whole or not at all.
 *
 * A step writes its files into a folder of its own, `.pending-…`, and brings them to disk. One rename makes it `.commit-…`:
 * from this moment on its files count. Then they are moved to their names, one by one. Whoever opens the folder after a
 * process died in between finishes these moves, or, where it may not write, reads the files where they are.
 */
export class CheckpointFolder {
  constructor(readonly path: string) {}

  /** Names of the files that count, whether or not they are in place yet. Creates nothing. */
  names(): string[] {
    this.#finishMoves();
    const committed = this.#commits().flatMap((commit) => namesIn(join(this.path, commit)));
    return [...new Set([...namesIn(this.path).filter((name) => !name.startsWith(".")), ...committed])].sort();
  }

  /**
   * Path to read a file from; where it would be, if there is none. Creates nothing.
   *
   * @throws ValueError for a name that leads to another folder
   */
  fileOf(name: string): string {
    checkName(name);
    this.#finishMoves();
    const commit = this.#commits()
      .reverse()
      .find((folder) => existsSync(join(this.path, folder, name)));
    return commit === undefined ? join(this.path, name) : join(this.path, commit, name);
  }

  /** Begins a step: nothing is visible before its {@link CheckpointStep.commit}. */
  begin(): CheckpointStep {
    return new CheckpointStep(this);
  }

  /** Makes the folder ready for a step: everything that is committed in place, nothing left of processes that died. */
  prepare(): void {
    mkdirSync(this.path, { recursive: true });
    this.moveCommitted();
    removeDeadTemporaries(this.path);
    for (const name of namesIn(this.path)) {
      const mark = PENDING.exec(name)?.[1];
      if (mark !== undefined && isDead(mark, join(this.path, name))) tryRemove(join(this.path, name));
    }
  }

  /** Moves the files of committed steps to their names, in the order of the steps. */
  moveCommitted(): void {
    for (const commit of this.#commits()) {
      const folder = join(this.path, commit);
      for (const name of namesIn(folder)) unlessGone(() => renameSync(join(folder, name), join(this.path, name)));
      syncFolder(this.path);
      unlessGone(() => rmdirSync(folder));
    }
  }

  /** A name for a step that follows those that are there. */
  nextCommit(id: string): string {
    const last = this.#commits().at(-1);
    const number = last === undefined ? 1 : Number(COMMITTED.exec(last)?.[1]) + 1;
    return `.commit-${String(number).padStart(6, "0")}-${id}`;
  }

  /** Committed steps whose files are not all in place, oldest first. */
  #commits(): string[] {
    const order = (name: string): number => Number(COMMITTED.exec(name)?.[1]);
    return namesIn(this.path)
      .filter((name) => COMMITTED.test(name))
      .sort((a, b) => order(a) - order(b) || (a < b ? -1 : 1));
  }

  /** For readers: a folder that cannot be written is read as it is. */
  #finishMoves(): void {
    try {
      this.moveCommitted();
    } catch {
      // fileOf() finds the files where they are
    }
  }
}

/** Files that become visible together. */
export class CheckpointStep {
  readonly #folder: CheckpointFolder;
  readonly #id = `${ownMark}-${randomBytes(4).toString("hex")}`;
  readonly #names = new Set<string>();

  constructor(folder: CheckpointFolder) {
    this.#folder = folder;
  }

  /** Names of the files that were written so far. */
  get names(): ReadonlySet<string> {
    return this.#names;
  }

  get #pending(): string {
    return join(this.#folder.path, `.pending-${this.#id}`);
  }

  /**
   * Writes a file in torch's format and brings it to disk. A file of the same name in this step is replaced.
   *
   * @throws RuntimeError that names the file and the reason; the whole step is dropped then.
   * @throws ValueError for a name that leads to another folder
   */
  write(name: string, content: unknown): void {
    checkName(name);
    const path = join(this.#folder.path, name);
    this.#orDrop(`cannot write checkpoint file '${path}'`, () => {
      if (this.#names.size === 0) {
        this.#folder.prepare();
        mkdirSync(this.#pending);
      }
      save(content, join(this.#pending, name), { finalPath: path });
      this.#names.add(name);
    });
  }

  /**
   * Makes all files of the step visible.
   *
   * @throws RuntimeError when that is not possible; then none of them is.
   */
  commit(): void {
    if (this.#names.size === 0) return;
    const committed = this.#orDrop(`cannot finish the checkpoint in '${this.#folder.path}'`, () => {
      this.#folder.moveCommitted();
      const path = join(this.#folder.path, this.#folder.nextCommit(this.#id));
      renameSync(this.#pending, path);
      return path;
    });
    this.#names.clear();
    syncFolder(this.#folder.path);
    try {
      this.#folder.moveCommitted();
    } catch (cause) {
      throw new RuntimeError(
        `the checkpoint is complete, but its files cannot be moved from '${committed}' to '${this.#folder.path}': ${messageOf(cause)}`,
        { cause },
      );
    }
  }

  /** Drops the step and its files. */
  drop(): void {
    if (this.#names.size > 0) tryRemove(this.#pending);
    this.#names.clear();
  }

  #orDrop<T>(problem: string, run: () => T): T {
    try {
      return run();
    } catch (cause) {
      tryRemove(this.#pending);
      this.#names.clear();
      throw new RuntimeError(`${problem}: ${messageOf(cause)}; files that were there before are unchanged`, { cause });
    }
  }
}

/** Names of models, tags and infixes are parts of a file's name: none of them may lead to another folder. */
function checkName(name: string): void {
  if (/[/\0]/.test(name) || (process.platform === "win32" && name.includes("\\"))) {
    throw new ValueError(
      `expected a model's name, a checkpoint tag and an infix without "/", since they make up a file's name, received ${JSON.stringify(name)}`,
    );
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

/** Another process may have done the same in the meantime. */
function unlessGone(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

function isGone(error: unknown): boolean {
  // ENOTEMPTY: a network file system keeps files that somebody has open
  return ["ENOENT", "ENOTDIR", "ENOTEMPTY"].includes(String((error as NodeJS.ErrnoException).code));
}

/** Brings renames to disk. Not every file system can sync a folder; the renames themselves are done. */
function syncFolder(folder: string): void {
  let descriptor: number | null = null;
  try {
    descriptor = openSync(folder, "r");
    fsyncSync(descriptor);
  } catch {
    // nothing more can be done for them
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}
