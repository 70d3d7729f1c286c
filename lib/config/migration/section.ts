import { formatLocation, formatProblem, type ConfigProblem } from "../errors";
import { describe } from "../schema/custom-type";
import type { AnyConfigClass, Fields } from "../schema/config-class";
import { isNull, toPlain, type MapNode, type Node } from "../yaml/nodes";

/** Something that was written in the form of another release, and what it is in this one. */
export interface ConfigChange extends ConfigProblem {
  /** A warning where the file's meaning rests on a default that is hardly ever wanted. */
  readonly severity: "info" | "warning";
}

/** What a migration finds. */
export interface Findings {
  readonly changes: ConfigChange[];
  /** What has no counterpart, or more than one. */
  readonly problems: ConfigProblem[];
}

/** A mapping of a config, with its path and the config class that will read it. Rules change it in place. */
export class Section {
  readonly node: MapNode;
  readonly path: readonly string[];
  readonly type: AnyConfigClass;
  readonly #findings: Findings;

  constructor(node: MapNode, path: readonly string[], type: AnyConfigClass, findings: Findings) {
    this.node = node;
    this.path = path;
    this.type = type;
    this.#findings = findings;
  }

  /** Whether the class has a field of this name. */
  hasField(key: string): boolean {
    return key in (this.type.fields as Fields);
  }

  /** The value of a key; undefined where it is not there or null. */
  get(key: string): Node | undefined {
    const node = this.node.entries.get(key);
    return isNull(node) ? undefined : node;
  }

  /** The text of a key; undefined where it has none. */
  text(key: string): string | undefined {
    const node = this.node.entries.get(key);
    return node?.type === "scalar" && typeof node.value === "string" ? node.value : undefined;
  }

  /** Takes a key out: its node, also a null; undefined where it is not there. */
  take(key: string): Node | undefined {
    const node = this.node.entries.get(key);
    this.node.entries.delete(key);
    return node;
  }

  /** Notes that a key is read as something else: `model.num_surface_blocks: is num_domain_decoder_blocks.surface now`. */
  changed(key: string, message: string, node: Node | undefined, severity: ConfigChange["severity"] = "info"): void {
    this.#findings.changes.push({ ...this.#at(key, message, node), severity });
  }

  /** Notes something that cannot be read for certain. */
  problem(key: string, message: string, node: Node | undefined): void {
    this.#findings.problems.push(this.#at(key, message, node));
  }

  /** Notes that a value is given under an old name and under its new one. */
  ambiguous(key: string, newKey: string, old: Node, current: Node): void {
    const place = current.source === undefined ? "" : ` (${formatLocation(current.source)})`;
    this.problem(
      key,
      `expected this or "${newKey}", which is its name since release 2026.4, not both: here it is ${describe(toPlain(old))}, there ${describe(toPlain(current))}${place}; delete one`,
      old,
    );
  }

  #at(key: string, message: string, node: Node | undefined): ConfigProblem {
    const path = [...this.path, ...(key === "" ? [] : [key])].join(".");
    return { path, message, location: node?.source ?? this.node.source };
  }
}

/** Changes a section from the form of one release to that of another, in place. */
export type Rule = (section: Section) => void;

/** Each change as a line. A line of a file that interpolations copied to several places is told once. */
export function summarizeChanges(changes: readonly ConfigChange[]): string[] {
  const groups = new Map<string, ConfigChange[]>();
  for (const change of changes) {
    const { location, message } = change;
    const key =
      location === undefined ? change.path : `${location.file}:${location.line}:${location.column} ${message}`;
    groups.set(key, [...(groups.get(key) ?? []), change]);
  }
  return [...groups.values()].map(
    ([first, ...others]) =>
      formatProblem(first!) + (others.length === 0 ? "" : ` (also in ${others.map(({ path }) => path).join(", ")})`),
  );
}
