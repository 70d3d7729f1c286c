import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  Scalar,
  type Document,
  type Node as YamlNode,
  type YAMLMap,
} from "yaml";
import { ConfigError, type SourceLocation } from "../errors";
import { listNode, mapNode, scalarNode, type MapNode, type Node } from "./nodes";
import { resolvePlainScalar, resolveTaggedScalar } from "./scalars";

/** Tags whose node is read as if it were untagged: what PyYAML writes for tuples, sets and plain containers. */
const CONTAINER_TAGS = new Set([
  "tag:yaml.org,2002:python/tuple",
  "tag:yaml.org,2002:set",
  "tag:yaml.org,2002:map",
  "tag:yaml.org,2002:seq",
  "tag:yaml.org,2002:omap",
]);

interface Reader {
  readonly file: string;
  readonly lines: LineCounter;
  readonly document: Document;
}

/**
 * Reads a config file's text: YAML 1.1 with the scalars of {@link resolvePlainScalar}; duplicate keys are errors;
 * `!!python/tuple` and `!!set` become lists.
 *
 * @param file - name shown in errors and kept as the nodes' source
 * @returns an empty mapping for an empty document
 * @throws ConfigError with the line
 */
export function readYaml(text: string, file: string): Node {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    schema: "failsafe",
    resolveKnownTags: false,
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    logLevel: "silent",
  });
  const error = document.errors[0];
  if (error) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw new ConfigError([
      { path: "", message: yamlMessage(error.code, error.message), location: { file, line, column: col } },
    ]);
  }
  const reader = { file, lines, document };
  const root = document.contents as YamlNode | null;
  const node = root === null ? mapNode([], { file, line: 1 }) : readNode(root, reader, locate(root, reader));
  return node.type === "scalar" && node.value === null ? mapNode([], node.source) : node;
}

function yamlMessage(code: string, message: string): string {
  if (code === "DUPLICATE_KEY") return "the same key is given twice in one mapping";
  return `not valid YAML: ${message.replace(/\.$/, "")}`;
}

function locate(node: YamlNode, { file, lines }: Reader): SourceLocation {
  const { line, col } = lines.linePos(node.range?.[0] ?? 0);
  return { file, line, column: col };
}

function fail(node: YamlNode, reader: Reader, message: string): never {
  throw new ConfigError([{ path: "", message, location: locate(node, reader) }]);
}

function readNode(node: YamlNode | null, reader: Reader, source: SourceLocation): Node {
  if (node === null) return scalarNode(null, source);
  if (isAlias(node)) {
    const target = node.resolve(reader.document);
    if (!target) fail(node, reader, `unknown alias *${node.source}`);
    return readNode(target, reader, source);
  }
  if (isScalar(node)) return scalarNode(readScalar(node, reader), source);
  if (node.tag !== undefined && !CONTAINER_TAGS.has(node.tag)) fail(node, reader, `unknown YAML tag ${node.tag}`);
  if (isSeq(node)) {
    const items = node.items as YamlNode[];
    return listNode(
      items.map((item) => readNode(item, reader, locate(item, reader))),
      source,
    );
  }
  if (!isMap(node)) fail(node, reader, "unknown YAML node");
  if (node.tag === "tag:yaml.org,2002:set") {
    const keys = node.items.map(({ key }) => key as YamlNode);
    return listNode(
      keys.map((key) => readNode(key, reader, locate(key, reader))),
      source,
    );
  }
  return readMap(node, reader, source);
}

function readScalar(node: Scalar, reader: Reader) {
  const text = typeof node.value === "string" ? node.value : (node.source ?? "");
  if (node.tag !== undefined && node.tag !== "!") {
    const value = resolveTaggedScalar(node.tag, text);
    return value === undefined ? fail(node, reader, `cannot read ${JSON.stringify(text)} as ${node.tag}`) : value;
  }
  return node.type === Scalar.PLAIN ? resolvePlainScalar(text) : text;
}

function readMap(node: YAMLMap, reader: Reader, source: SourceLocation): MapNode {
  const result = mapNode([], source);
  const merged: Node[] = [];
  for (const { key, value } of node.items) {
    const keyNode = key as YamlNode;
    if (!isScalar(keyNode)) fail(keyNode, reader, "expected a plain key, received a list or mapping");
    const place = locate(keyNode, reader);
    const name = keyNode.source ?? String(keyNode.value);
    if (name === "__proto__") fail(keyNode, reader, 'the key "__proto__" is not allowed');
    const child = readNode(value as YamlNode | null, reader, place);
    if (name === "<<" && keyNode.type === Scalar.PLAIN) merged.push(...(child.type === "list" ? child.items : [child]));
    else result.entries.set(name, child);
  }
  // "<<: *anchor": own keys win over merged ones, earlier mappings over later ones
  for (const mapping of merged) {
    if (mapping.type !== "map") fail(node, reader, 'expected a mapping to merge for "<<"');
    for (const [key, value] of mapping.entries) if (!result.entries.has(key)) result.entries.set(key, value);
  }
  return result;
}
