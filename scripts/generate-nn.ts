/**
 * Generates docs/nn.md, the reference of `torch.nn`, from the sources: names, arguments and comments of what lib/torch/nn exports.
 *
 *     npx tsx scripts/generate-nn.ts            write the file
 *     npx tsx scripts/generate-nn.ts --check    exit 1 when it is not up to date
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

const ROOT = join(__dirname, "..");
const ENTRY = join(ROOT, "lib/torch/nn/index.ts");
const PAGE = "docs/nn.md";

interface Argument {
  readonly name: string;
  readonly type: string;
  readonly optional: boolean;
  /** The members of an options object. */
  readonly options: readonly { readonly name: string; readonly text: string }[];
}
interface Entry {
  readonly name: string;
  readonly text: string;
  readonly arguments: readonly Argument[];
}

/** What the page lists, of a program that holds lib/torch/nn. */
class Reader {
  private readonly checker: ts.TypeChecker;

  constructor(private readonly program: ts.Program) {
    this.checker = program.getTypeChecker();
  }

  private exportsOf(file: string): ts.Symbol[] {
    const source = this.program.getSourceFile(file)!;
    return this.checker
      .getExportsOfModule(this.checker.getSymbolAtLocation(source)!)
      .map((symbol) => (symbol.flags & ts.SymbolFlags.Alias ? this.checker.getAliasedSymbol(symbol) : symbol))
      .sort((a, b) => a.name.localeCompare(b.name, "en"));
  }

  /** The classes that extend Module, with the arguments of their constructors. */
  modules(): Entry[] {
    return this.exportsOf(ENTRY).flatMap((symbol) => {
      const declaration = symbol.declarations?.find(ts.isClassDeclaration);
      if (!declaration || !this.isModule(declaration)) return [];
      const type = this.checker.getTypeOfSymbolAtLocation(symbol, declaration);
      const [constructor] = type.getConstructSignatures();
      const own = this.textOf(symbol);
      return [
        { name: symbol.name, text: own || this.inheritedText(declaration), arguments: this.argumentsOf(constructor) },
      ];
    });
  }

  /** The functions of a module of functions. Of overloads the first is shown. */
  functions(file: string): Entry[] {
    const source = this.program.getSourceFile(join(ROOT, file))!;
    return this.checker
      .getExportsOfModule(this.checker.getSymbolAtLocation(source)!)
      .map((symbol) => ({ name: symbol.name, symbol: this.resolved(symbol) }))
      .sort((a, b) => a.name.localeCompare(b.name, "en"))
      .flatMap(({ name, symbol }) => {
        const [declaration] = symbol.declarations ?? [];
        if (!declaration || !(symbol.flags & (ts.SymbolFlags.Function | ts.SymbolFlags.Variable))) return [];
        const [signature] = this.checker.getTypeOfSymbolAtLocation(symbol, declaration).getCallSignatures();
        return signature ? [{ name, text: this.textOf(symbol), arguments: this.argumentsOf(signature) }] : [];
      });
  }

  private resolved(symbol: ts.Symbol): ts.Symbol {
    return symbol.flags & ts.SymbolFlags.Alias ? this.checker.getAliasedSymbol(symbol) : symbol;
  }

  private isModule(declaration: ts.ClassLikeDeclaration): boolean {
    if (declaration.name?.text === "Module") return true;
    const parent = this.parentOf(declaration);
    return parent !== undefined && this.isModule(parent);
  }

  private parentOf(declaration: ts.ClassLikeDeclaration): ts.ClassLikeDeclaration | undefined {
    const expression = declaration.heritageClauses?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)
      ?.types[0]?.expression;
    if (!expression) return undefined;
    const symbol = this.checker.getSymbolAtLocation(expression);
    return symbol && this.resolved(symbol).declarations?.find(ts.isClassDeclaration);
  }

  private inheritedText(declaration: ts.ClassLikeDeclaration): string {
    const parent = this.parentOf(declaration);
    const symbol = parent?.name && this.checker.getSymbolAtLocation(parent.name);
    return symbol ? this.textOf(symbol) : "";
  }

  /** The comment in one line, without links. */
  private textOf(symbol: ts.Symbol): string {
    const parts = symbol.getDocumentationComment(this.checker);
    return ts
      .displayPartsToString(parts)
      .replace(/\{@link (\S+?)\s*\}/g, "`$1`")
      .replace(/\s+/g, " ")
      .trim();
  }

  private argumentsOf(signature: ts.Signature | undefined): Argument[] {
    const parameters = signature?.getParameters() ?? [];
    return parameters.flatMap((parameter) => {
      const declaration = parameter.valueDeclaration;
      if (!declaration || !ts.isParameter(declaration) || parameter.name === "surplus") return [];
      const type = this.checker.getTypeOfSymbolAtLocation(parameter, declaration);
      const optional = declaration.initializer !== undefined || declaration.questionToken !== undefined;
      return [
        {
          name: (declaration.dotDotDotToken ? "…" : "") + parameter.name.replace(/^__\d+$/, "arguments"),
          type: this.checker.typeToString(type, declaration, ts.TypeFormatFlags.NoTruncation),
          optional,
          options: parameter.name === "options" ? this.optionsOf(type) : [],
        },
      ];
    });
  }

  private optionsOf(type: ts.Type): Argument["options"] {
    return this.checker
      .getNonNullableType(type)
      .getProperties()
      .map((property) => ({ name: property.name, text: this.textOf(property) }));
  }
}

const cell = (text: string) => text.replaceAll("|", "\\|");

function row({ name, text, arguments: list }: Entry, prefix: string): string {
  const call = list.map((argument) => (argument.optional ? `${argument.name}?` : argument.name)).join(", ");
  const options = list
    .flatMap((argument) => argument.options)
    .map((option) => `\`${option.name}\`${option.text ? `: ${option.text.replace(/\.$/, "")}` : ""}`)
    .join("; ");
  return `| \`${prefix}${name}(${cell(call)})\` | ${cell(text)} | ${cell(options)} |`;
}

const table = (entries: readonly Entry[], prefix: string) =>
  ["| | | options |", "|---|---|---|", ...entries.map((entry) => row(entry, prefix))].join("\n");

/** The content of docs/nn.md. */
export function nnPage(): string {
  const program = ts.createProgram([ENTRY], {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    strict: true,
    skipLibCheck: true,
    noEmit: true,
  });
  const reader = new Reader(program);
  const modules = reader.modules();
  const functional = reader.functions("lib/torch/nn/functional/index.ts");
  return `# torch.nn

<!-- Generated by scripts/generate-nn.ts. Do not edit: run \`npm run generate\`. -->

The ${modules.length} modules of \`noether-ts/torch\`'s \`nn\`, its ${functional.length} functional forms, and what initialises parameters. Names, state-dict keys, initial values and results are PyTorch's
([docs/torch.md](torch.md) has the rules of spelling). Arguments that PyTorch requires are by position; those in the last column are one options object.

\`\`\`ts
import { nn } from "noether-ts/torch";

const layer = new nn.Conv1d(8, 16, 3, { padding: 1, bias: false });
const y = nn.functional.leakyRelu(layer.forward(x), { negativeSlope: 0.1 });
\`\`\`

## Modules

${table(modules, "")}

## Functions

${table(functional, "nn.functional.")}

## Initial values

${table(reader.functions("lib/torch/nn/init.ts"), "nn.init.")}

## Utilities

${table(reader.functions("lib/torch/nn/utils/index.ts"), "nn.utils.")}
`;
}

function main(): void {
  const path = join(ROOT, PAGE);
  const page = nnPage();
  if (!process.argv.includes("--check")) {
    writeFileSync(path, page);
    console.log(`wrote ${PAGE}`);
  } else if (readFileSync(path, "utf8") !== page) {
    console.error(`${PAGE} is not up to date: run npm run generate`);
    process.exitCode = 1;
  }
}

if (require.main === module) main();
