import {
  Composer,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  Parser,
  Scalar,
  type CST,
  type Document,
  type Node as YamlNode,
  type Pair,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { ConfigError, type SourceLocation } from "../errors";
import { pyFloatRepr } from "../python-format";
import { Float, cloneNode, listNode, mapNode, scalarNode, type MapNode, type Node, type ScalarValue } from "./nodes";
import { resolvePlainScalar, resolveTaggedScalar } from "./scalars";

const YAML = "tag:yaml.org,2002:";
/** Tags whose node is read as if it were untagged: what PyYAML writes for tuples, sets and plain containers. */
const LIST_TAGS = new Set([`${YAML}python/tuple`, `${YAML}python/list`, `${YAML}seq`]);
const MAP_TAGS = new Set([`${YAML}map`, `${YAML}python/dict`]);
/** Lists of pairs: what PyYAML writes for `OrderedDict`, and YAML's own ordered mappings. */
const PAIR_TAGS = new Set([
  `${YAML}python/object/apply:collections.OrderedDict`,
  `${YAML}python/object/new:collections.OrderedDict`,
  `${YAML}omap`,
]);
const SET_TAG = `${YAML}set`;

/** Nodes that all aliases of a file may stand for together: a few lines of nested aliases could ask for all the memory. */
const MAX_ALIASED = 100_000;
/** What YAML does not allow outside of escapes, halves of surrogate pairs among it. */
const UNPRINTABLE = /[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;
/** Nested lists and mappings. Far from the end of the stack, near which Node ends the process when it compiles a regular expression. */
const MAX_DEPTH = 200;

/**
 * Reads a config file's text: YAML 1.1 with the scalars of {@link resolvePlainScalar}; duplicate keys are errors;
 * `!!python/tuple` and `!!set` become lists, PyYAML's `OrderedDict`s mappings.
 *
 * @param file - name shown in errors and kept as the nodes' source
 * @returns an empty mapping for an empty document, `{text: null}` for a text alone, as OmegaConf has it
 * @throws ConfigError with the line
 */
export function readYaml(text: string, file: string): Node {
  const node = new Reader(text, file).root();
  if (node.type !== "scalar") return node;
  if (node.value === null) return mapNode([], node.source);
  if (typeof node.value !== "string")
    throw problem(`expected a mapping or list at the root of the file, received ${shown(node.value)}`, node.source);
  const inner = new Reader(node.value, file).root();
  if (inner.type !== "scalar") return inner;
  if (inner.value === null) return mapNode([], node.source);
  return mapNode([[keyText(inner.value), scalarNode(null, node.source)]], node.source);
}

function problem(message: string, location?: SourceLocation): ConfigError {
  return new ConfigError([{ path: "", message, location }]);
}

function shown(value: Exclude<ScalarValue, string | null>): string {
  return typeof value === "boolean" ? String(value) : `the number ${keyText(value)}`;
}

/** A key as text; numbers in one spelling, so that `1` and `01` are the same key. */
function keyText(value: ScalarValue): string {
  return value instanceof Float ? pyFloatRepr(value.value) : String(value);
}

/** The first part of a text that is nested deeper than this; null without one. Not recursive, as the composer is. */
function deeperThan(limit: number, tokens: readonly CST.Token[]): CST.Token | null {
  const open = tokens.map((token) => ({ token, depth: 0 })).reverse();
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const { token, depth } = at;
    if (depth > limit) return token;
    const parts =
      token.type === "document"
        ? [token.value]
        : "items" in token
          ? token.items.flatMap((item) => ("value" in item ? [item.key, item.value] : [item.key]))
          : [];
    for (const part of parts) if (part) open.push({ token: part, depth: token.type === "document" ? 0 : depth + 1 });
  }
  return null;
}

class Reader {
  private readonly lines = new LineCounter();
  private readonly document: Document | undefined;
  /** The nodes of the anchors met so far; `open` while one is being read. */
  private readonly anchors = new Map<string, Node | "open">();
  private aliased = 0;

  constructor(
    text: string,
    private readonly file: string,
  ) {
    const unprintable = UNPRINTABLE.exec(text);
    if (unprintable !== null) {
      const code = unprintable[0].codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0");
      const line = text.slice(0, unprintable.index).split("\n").length;
      throw problem(
        `expected text, received the control character U+${code}; write it in double quotes as "\\u${code.toLowerCase()}"`,
        { file, line },
      );
    }
    const tokens = [...new Parser(this.lines.addNewLine).parse(text)];
    const tooDeep = deeperThan(MAX_DEPTH, tokens);
    if (tooDeep !== null)
      throw problem(
        `expected lists and mappings nested at most ${MAX_DEPTH} deep, received deeper ones`,
        this.place(tooDeep.offset),
      );
    const composer = new Composer({
      schema: "failsafe",
      resolveKnownTags: false,
      prettyErrors: false,
      // compares every key with every other; see `readMap`
      uniqueKeys: false,
      logLevel: "silent",
    });
    const documents: Document[] = [...composer.compose(tokens)];
    const error = documents.flatMap(({ errors }) => errors)[0];
    if (error) throw problem(`not valid YAML: ${error.message.replace(/\.$/, "")}`, this.place(error.pos[0]));
    if (documents.length > 1) {
      const second = documents[1]!.range?.[0] ?? 0;
      throw problem('expected one document, received a second one after "---"', this.place(second));
    }
    this.document = documents[0];
  }

  root(): Node {
    const contents = (this.document?.contents ?? null) as YamlNode | null;
    if (contents === null) return scalarNode(null, { file: this.file, line: 1 });
    return this.read(contents, this.locate(contents));
  }

  private place(offset: number): SourceLocation {
    const { line, col } = this.lines.linePos(offset);
    return { file: this.file, line, column: col };
  }

  private locate(node: YamlNode): SourceLocation {
    return this.place(node.range?.[0] ?? 0);
  }

  private fail(node: YamlNode, message: string): never {
    throw problem(message, this.locate(node));
  }

  private read(node: YamlNode | null, source: SourceLocation): Node {
    if (node === null) return scalarNode(null, source);
    if (isAlias(node)) return this.alias(node.source, node, source);
    const { anchor } = node as { anchor?: string };
    if (anchor !== undefined && this.anchors.has(anchor)) this.fail(node, `the anchor &${anchor} is given twice`);
    if (anchor !== undefined) this.anchors.set(anchor, "open");
    const result = this.readNew(node, source);
    if (anchor !== undefined) this.anchors.set(anchor, result);
    return result;
  }

  private alias(name: string, node: YamlNode, source: SourceLocation): Node {
    const target = this.anchors.get(name);
    if (target === undefined) this.fail(node, `unknown alias *${name}`);
    if (target === "open") this.fail(node, `the alias *${name} is inside what it refers to`);
    this.aliased += sizeOf(target);
    if (this.aliased > MAX_ALIASED)
      this.fail(node, `expected aliases that stand for at most ${MAX_ALIASED} values together, received more`);
    return { ...cloneNode(target), source };
  }

  private readNew(node: YamlNode, source: SourceLocation): Node {
    if (isScalar(node)) return scalarNode(this.scalar(node), source);
    const { tag } = node;
    if (isSeq(node)) {
      if (tag !== undefined && PAIR_TAGS.has(tag)) return this.pairs(node, source);
      if (tag !== undefined && !LIST_TAGS.has(tag)) this.fail(node, this.unknownTag(tag));
      return listNode(
        (node.items as YamlNode[]).map((item) => this.read(item, this.locate(item))),
        source,
      );
    }
    if (!isMap(node)) this.fail(node, "unknown YAML node");
    if (tag === SET_TAG) {
      const keys = node.items.map(({ key }) => key as YamlNode);
      return listNode(
        keys.map((key) => this.read(key, this.locate(key))),
        source,
      );
    }
    if (tag !== undefined && !MAP_TAGS.has(tag)) this.fail(node, this.unknownTag(tag));
    return this.map(node, source);
  }

  private unknownTag(tag: string): string {
    return `unknown YAML tag ${this.tagName(tag)}`;
  }

  private scalar(node: Scalar): ScalarValue {
    const text = typeof node.value === "string" ? node.value : (node.source ?? "");
    if (node.tag !== undefined && node.tag !== "!") {
      const value = resolveTaggedScalar(node.tag, text);
      return value === undefined
        ? this.fail(node, `cannot read ${JSON.stringify(text)} as ${this.tagName(node.tag)}`)
        : value;
    }
    return node.type === Scalar.PLAIN && node.tag === undefined ? resolvePlainScalar(text) : text;
  }

  private tagName(tag: string): string {
    return tag.startsWith(YAML) ? `!!${tag.slice(YAML.length)}` : tag;
  }

  /**
   * `<<: *anchor` puts the keys of other mappings in front of the mapping's own, in their order; own keys win over merged
   * ones, and among those the first.
   */
  private map(node: YAMLMap, source: SourceLocation): MapNode {
    const merged = new Map<string, Node>();
    const own = new Map<string, Node>();
    for (const pair of node.items) {
      const [name, key, isMerge] = this.key(pair);
      const child = this.read(pair.value as YamlNode | null, this.locate(key));
      if (isMerge) {
        for (const mapping of child.type === "list" ? child.items : [child]) {
          if (mapping.type !== "map") this.fail(key, 'expected a mapping or a list of mappings to merge for "<<"');
          for (const [inner, value] of mapping.entries) if (!merged.has(inner)) merged.set(inner, value);
        }
      } else {
        if (own.has(name)) this.fail(key, `the same key is given twice in one mapping: ${name}`);
        own.set(name, child);
      }
    }
    return { type: "map", entries: new Map([...merged, ...own]), source };
  }

  /** Name of a key, and whether it is the merge key. */
  private key({ key }: Pair): [string, YamlNode, boolean] {
    const node = key as YamlNode | null;
    if (node === null || !(isScalar(node) || isAlias(node)))
      throw problem(
        "expected a plain key, received a list, a mapping or nothing",
        node === null ? undefined : this.locate(node),
      );
    const read = this.read(node, this.locate(node));
    if (read.type !== "scalar" || read.value === null)
      this.fail(node, "expected a plain key, received a list, a mapping or null");
    // booleans are keys as they were written
    const name = typeof read.value === "boolean" && isScalar(node) ? String(node.value) : keyText(read.value);
    if (name === "__proto__") this.fail(node, 'the key "__proto__" is not allowed');
    return [name, node, isScalar(node) && node.type === Scalar.PLAIN && node.tag === undefined && name === "<<"];
  }

  /** `[[key, value], …]`, in the list of arguments that PyYAML writes, or `[{key: value}, …]`. */
  private pairs(node: YAMLSeq, source: SourceLocation): MapNode {
    const list = this.readNew(untagged(node), source);
    const items = list.type === "list" ? list.items : [];
    const [first] = items;
    const pairs = items.length === 1 && first?.type === "list" && first.items.every(isPair) ? first.items : items;
    const entries = new Map<string, Node>();
    for (const pair of pairs) {
      const [key, value] =
        pair.type === "list"
          ? pair.items
          : [...(pair.type === "map" ? pair.entries : [])].flatMap(([name, item]) => [scalarNode(name), item]);
      if (key?.type !== "scalar" || value === undefined)
        this.fail(node, "expected a list of pairs for an ordered mapping");
      entries.set(keyText(key.value), value);
    }
    return { type: "map", entries, source };
  }
}

function isPair(node: Node): boolean {
  return node.type === "list" && node.items.length === 2;
}

/** The same list without its tag. */
function untagged(node: YAMLSeq): YAMLSeq {
  const plain = node.clone() as YAMLSeq;
  plain.tag = undefined;
  plain.anchor = undefined;
  return plain;
}

/** Values in a node. */
function sizeOf(node: Node): number {
  if (node.type === "scalar") return 1;
  const children = node.type === "list" ? node.items : [...node.entries.values()];
  return children.reduce((sum, child) => sum + sizeOf(child), 1);
}
