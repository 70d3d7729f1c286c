/** The tree of a CGNS file: nodes with a label and data, as the SIDS names them. */
import { numericType, type TypedArray } from "../arrays";
import { FileFormatError } from "../errors";
import type { H5Dataset, H5Group } from "../hdf5";

/** One node. */
export interface CgnsNode {
  readonly name: string;
  /** What it is: `Zone_t`, `DataArray_t`, … */
  readonly label: string;
  readonly children: readonly CgnsNode[];
  /** Dimensions of the data, the fastest last; undefined where there are none. */
  readonly shape: readonly number[] | undefined;
  /** Read when asked for; undefined where there are none. */
  data(): TypedArray | undefined;
}

const MAX_DEPTH = 32;

/** The tree under a group of an HDF5 file. */
export class Hdf5Node implements CgnsNode {
  #children: readonly CgnsNode[] | undefined;

  constructor(
    readonly name: string,
    private readonly group: H5Group,
    private readonly path: string,
    private readonly depth = 0,
  ) {}

  get label(): string {
    return this.#attribute("label") ?? "";
  }

  get children(): readonly CgnsNode[] {
    this.#children ??= this.#findChildren();
    return this.#children;
  }

  get shape(): readonly number[] | undefined {
    return this.#dataset()?.shape ?? undefined;
  }

  data(): TypedArray | undefined {
    const value = this.#dataset()?.value;
    if (value === undefined) return undefined;
    if (!ArrayBuffer.isView(value) || value instanceof DataView)
      throw new FileFormatError(this.path, `expected an array of numbers or letters in "${this.name}", got others`);
    numericType(value as TypedArray);
    return value as TypedArray;
  }

  #dataset(): H5Dataset | undefined {
    if (!this.group.keys().includes(" data")) return undefined;
    const dataset = this.group.get(" data");
    return dataset?.type === "Dataset" ? (dataset as H5Dataset) : undefined;
  }

  #findChildren(): CgnsNode[] {
    if (this.depth > MAX_DEPTH)
      throw new FileFormatError(this.path, `expected at most ${MAX_DEPTH} nodes inside each other, got more`);
    // names of the file format itself begin with a space
    return this.group
      .keys()
      .filter((key) => !key.startsWith(" "))
      .flatMap((key) => {
        const entry = this.group.get(key);
        if (entry?.type !== "Group") return [];
        return [new Hdf5Node(key, this.#target(key, entry as H5Group), this.path, this.depth + 1)];
      });
  }

  /** The group that a node of the type LK stands for. */
  #target(key: string, group: H5Group): H5Group {
    if (attributeOf(group, "type") !== "LK") return group;
    const target = group.keys().includes(" link") ? group.get(" link") : null;
    if (target?.type === "Group") return target as H5Group;
    throw new FileFormatError(
      this.path,
      `expected the node "${key}" in this file, got a link to another one or to nothing: such links are not followed`,
    );
  }

  #attribute(name: string): string | undefined {
    return attributeOf(this.group, name);
  }
}

function attributeOf(group: H5Group, name: string): string | undefined {
  const value = group.attrs[name]?.value;
  // texts of a fixed length end with zeros
  return typeof value === "string" ? value.replace(/\0.*$/s, "") : undefined;
}

/** Children with a label. */
export function labelled(node: CgnsNode, label: string): CgnsNode[] {
  return node.children.filter((child) => child.label === label);
}

/** A child by name. */
export function childNamed(node: CgnsNode, name: string): CgnsNode | undefined {
  return node.children.find((child) => child.name === name);
}

/** The data as text: `Structured`. Empty where there is none. */
export function textOf(node: CgnsNode | undefined): string {
  const data = node?.data();
  return data === undefined
    ? ""
    : Buffer.from(Uint8Array.from(data as Uint8Array))
        .toString()
        .replace(/[\0 ]+$/, "");
}
