/**
 * The elements of a VTK XML file. An XML library would turn the data between the tags into strings, hundreds of megabytes
 * of them, and stumble over raw appended data, which is not XML: this one keeps their place in the file.
 */
import type { ByteSource } from "../byte-source";
import { Scanner, show } from "../scanner";
import { isSpace } from "../text";

const MAX_DEPTH = 64;
const MAX_TAG = 2 ** 20;
const [LESS, GREATER, SLASH, BANG, QUESTION, UNDERSCORE] = [60, 62, 47, 33, 63, 95];
const [DOUBLE_QUOTE, QUOTE] = [34, 39];

/** A range of bytes in the file. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** An element with its attributes and the elements inside; texts are kept as places. */
export class XmlElement {
  readonly children: XmlElement[] = [];
  /** Texts between the tags, those of white space alone left out. */
  readonly texts: Range[] = [];

  constructor(
    readonly source: ByteSource,
    readonly name: string,
    readonly attributes: ReadonlyMap<string, string>,
    /** Byte of the file at which its tag begins. */
    readonly offset: number,
  ) {}

  /** Elements inside, by name. */
  all(name: string): XmlElement[] {
    return this.children.filter((child) => child.name === name);
  }

  /** The first such element inside, if there is one. */
  find(name: string): XmlElement | undefined {
    return this.children.find((child) => child.name === name);
  }

  /** The first such element inside. */
  first(name: string): XmlElement {
    const child = this.find(name);
    if (child === undefined) throw this.error(`expected an element ${name} in ${this.name}, got none`);
    return child;
  }

  attribute(name: string): string | undefined {
    return this.attributes.get(name);
  }

  /** An attribute that has to be there. */
  require(name: string): string {
    const value = this.attributes.get(name);
    if (value === undefined) throw this.error(`expected the attribute ${name} of ${this.name}, got none`);
    return value;
  }

  /** An attribute that is a count; the fallback where it is missing. */
  count(name: string, fallback?: number): number {
    const text = this.attributes.get(name) ?? (fallback === undefined ? this.require(name) : String(fallback));
    const value = Number(text);
    if (!/^\s*\d+\s*$/.test(text) || !Number.isSafeInteger(value))
      throw this.error(`expected a count as the attribute ${name} of ${this.name}, got ${show(text)}`);
    return value;
  }

  /** An attribute of several numbers. */
  numbers(name: string, length: number, fallback?: readonly number[]): number[] {
    const text = this.attributes.get(name);
    if (text === undefined && fallback !== undefined) return [...fallback];
    const words = this.require(name).trim().split(/\s+/);
    const values = words.map(Number);
    if (values.length !== length || values.some((value) => !Number.isFinite(value)))
      throw this.error(`expected ${length} numbers as the attribute ${name} of ${this.name}, got ${show(text ?? "")}`);
    return values;
  }

  error(problem: string): Error {
    return this.source.error(problem, this.offset);
  }
}

/** A document: its root, and where appended data begin. */
export interface XmlDocument {
  readonly root: XmlElement;
  /** Byte after the underscore that begins the appended data, and how they are encoded. */
  readonly appended?: { readonly start: number; readonly encoding: string };
}

/** Reads all tags up to the end, or to the appended data. */
export function readXmlDocument(source: ByteSource): XmlDocument {
  const scanner = new Scanner(source);
  const open: XmlElement[] = [];
  let root: XmlElement | undefined;
  for (;;) {
    const textStart = scanner.position;
    const isTag = scanner.skipTo(LESS);
    const parent = open.at(-1);
    const textEnd = scanner.position;
    if (parent === undefined) requireBlank(source, textStart, textEnd);
    else if (!isBlank(source, textStart, textEnd)) parent.texts.push({ start: textStart, end: textEnd });
    if (!isTag) break;
    const offset = scanner.position;
    scanner.take();
    const kind = scanner.peek();
    if (kind === QUESTION) skipPast(scanner, "?>");
    else if (kind === BANG) skipComment(scanner);
    else if (kind === SLASH) {
      scanner.take();
      const name = readTag(scanner).trim();
      const element = open.pop();
      if (element?.name !== name)
        throw scanner.error(
          `expected ${element ? `</${element.name}>` : "the end of the file"}, got </${name}>`,
          offset,
        );
    } else {
      const { element, isEmpty } = openElement(scanner, offset);
      if (parent === undefined && root !== undefined)
        throw scanner.error(`expected one root element, got a second, ${show(element.name)}`, offset);
      parent?.children.push(element);
      root ??= element;
      if (element.name === "AppendedData" && root.name === "VTKFile" && !isEmpty) {
        return { root, appended: appendedData(scanner, element) };
      }
      if (!isEmpty && open.push(element) > MAX_DEPTH)
        throw scanner.error(`expected at most ${MAX_DEPTH} elements inside each other, got more`, offset);
    }
  }
  if (root === undefined) throw source.error("expected an XML element, got the end of the file", source.size);
  if (open.length > 0) throw source.error(`expected </${open.at(-1)!.name}>, got the end of the file`, source.size);
  return { root };
}

function appendedData(scanner: Scanner, element: XmlElement): { start: number; encoding: string } {
  scanner.skipSpace();
  if (scanner.take() !== UNDERSCORE)
    throw scanner.error("expected _ before the appended data, got something else", scanner.position - 1);
  return { start: scanner.position, encoding: element.attribute("encoding") ?? "base64" };
}

function openElement(scanner: Scanner, offset: number): { element: XmlElement; isEmpty: boolean } {
  const tag = readTag(scanner);
  const isEmpty = tag.endsWith("/");
  const text = isEmpty ? tag.slice(0, -1) : tag;
  const name = /^[A-Za-z_][\w.:-]*/.exec(text)?.[0];
  if (name === undefined) throw scanner.error(`expected the name of an element, got ${show(text)}`, offset);
  const attributes = new Map<string, string>();
  const pattern = /\s+([A-Za-z_][\w.:-]*)\s*=\s*(?:"([^"]*)"|'([^']*)')/y;
  pattern.lastIndex = name.length;
  let end = name.length;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    attributes.set(match[1]!, unescape(match[2] ?? match[3]!));
    end = pattern.lastIndex;
  }
  if (text.slice(end).trim() !== "")
    throw scanner.error(`expected attributes name="value" in <${name}>, got ${show(text.slice(end).trim())}`, offset);
  return { element: new XmlElement(scanner.source, name, attributes, offset), isEmpty };
}

/** What stands before the `>` of a tag; one in quotes does not end it. */
function readTag(scanner: Scanner): string {
  const start = scanner.position;
  let quote = 0;
  for (;;) {
    const byte = scanner.take();
    if (byte < 0) throw scanner.error("expected > at the end of a tag, got the end of the file", start);
    if (scanner.position - start > MAX_TAG)
      throw scanner.error(`expected > at the end of a tag, got none in ${MAX_TAG} bytes`, start);
    if (quote !== 0) quote = byte === quote ? 0 : quote;
    else if (byte === DOUBLE_QUOTE || byte === QUOTE) quote = byte;
    else if (byte === GREATER) break;
  }
  return Buffer.from(scanner.source.bytes(start, scanner.position - 1 - start)).toString();
}

function skipComment(scanner: Scanner): void {
  const start = scanner.position;
  if (scanner.peek(1) !== 45 || scanner.peek(2) !== 45)
    throw scanner.error("expected elements and comments, got a declaration <!…>", start);
  skipPast(scanner, "-->");
}

function skipPast(scanner: Scanner, end: string): void {
  const start = scanner.position;
  const last = end.charCodeAt(end.length - 1);
  let recent = "";
  while (scanner.skipTo(last)) {
    const from = Math.max(start, scanner.position - end.length + 1);
    recent = Buffer.from(scanner.source.bytes(from, scanner.position + 1 - from)).toString("latin1");
    scanner.take();
    if (recent.endsWith(end)) return;
  }
  throw scanner.error(`expected ${end}, got the end of the file`, start);
}

function isBlank(source: ByteSource, start: number, end: number): boolean {
  for (let at = start; at < end; at += 4096) {
    if (source.bytes(at, Math.min(4096, end - at)).some((byte) => !isSpace(byte))) return false;
  }
  return true;
}

function requireBlank(source: ByteSource, start: number, end: number): void {
  // some editors put a mark of UTF-8 before the text
  const mark = start === 0 && end >= 3 && Buffer.from(source.bytes(0, 3)).toString("hex") === "efbbbf" ? 3 : 0;
  if (!isBlank(source, start + mark, end)) throw source.errorInText("expected an XML element, got other text", start);
}

const ENTITIES = new Map([
  ["lt", "<"],
  ["gt", ">"],
  ["amp", "&"],
  ["quot", '"'],
  ["apos", "'"],
]);

function unescape(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(\w+));/g, (all, decimal, hex, name) => {
    if (typeof name === "string") return ENTITIES.get(name) ?? all;
    const code = typeof decimal === "string" ? Number(decimal) : parseInt(String(hex), 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });
}

/** A text as the value of an attribute. */
export function escapeAttribute(text: string): string {
  return text.replace(/[<>&"\n\r\t]/g, (c) => {
    const name = [...ENTITIES].find(([, value]) => value === c)?.[0];
    return name === undefined ? `&#${c.charCodeAt(0)};` : `&${name};`;
  });
}
