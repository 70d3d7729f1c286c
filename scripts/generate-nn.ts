/**
 * Generates docs/nn.md, the reference of `torch.nn`, from the sources: names, arguments and comments of what lib/torch/nn exports, compared
 * with the names that PyTorch has (`scripts/python-nn.json`, from `scripts/python_nn.py`): each is here, or has a reason in `NOT_HERE`.
 *
 *     npx tsx scripts/generate-nn.ts            write the file
 *     npx tsx scripts/generate-nn.ts --check    exit 1 when it is not up to date
 */
import { join } from "node:path";
import ts from "typescript";
import { toCamelCase } from "../lib/torch/nn/naming";
import surface from "./python-nn.json";
import { writeOrCheck } from "./write-or-check";

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

/** Names of PyTorch that are not here, by what they belong to. */
const NOT_HERE: readonly (readonly [reason: string, names: readonly string[]])[] = [
  ["lazy: their shapes come from the first batch; write the numbers", ["nn.Lazy*", "nn.Uninitialized*"]],
  ["`distributed.DistributedDataParallel`, one process for each device", ["nn.DataParallel"]],
  ["old, and its sums count the first channel everywhere: `LocalResponseNorm`", ["nn.CrossMapLRN2d"]],
  ["a base class without use of its own", ["nn.Container", "nn.RNNBase", "nn.RNNCellBase"]],
  ["how much memory PyTorch's form may save; the loss is the same", ["nn.LinearCrossEntropyOptions"]],
  [
    "old names of `interpolate`",
    ["functional.upsample", "functional.upsample_bilinear", "functional.upsample_nearest"],
  ],
  [
    "matrix products of 8 bits and of groups on the newest GPUs: `ops.call`",
    ["functional.grouped_mm", "functional.scaled_grouped_mm", "functional.scaled_mm"],
  ],
  [
    "helpers of Python's own code",
    [
      ...["functional.assert_int_or_pair", "functional.boolean_dispatch", "functional.handle_torch_function"],
      "functional.has_torch_function*",
    ],
  ],
  [
    "old names of the functions with an underscore",
    [
      ...["constant", "dirac", "eye", "kaiming_normal", "kaiming_uniform", "normal", "orthogonal", "sparse", "uniform"],
      ...["xavier_normal", "xavier_uniform"],
    ].map((name) => `init.${name}`),
  ],
  ["old name of `clipGradNorm_`", ["utils.clip_grad_norm"]],
  [
    "memory formats of weights: `parameter.setData(parameter.to({ memoryFormat }))`",
    ["utils.convert_conv2d_weight_memory_format", "utils.convert_conv3d_weight_memory_format"],
  ],
  ["class attributes of Python's own code", ["Module.T_destination", "Module.call_super_init", "Module.dump_patches"]],
  ["Python code is compiled; here there is none", ["Module.compile"]],
  ["devices that libtorch's builds for Node have not", ["Module.ipu", "Module.mtia", "Module.xpu"]],
  [
    "wrong for modules of several operations, as PyTorch says: `registerFullBackwardHook`",
    ["Module.register_backward_hook"],
  ],
  ["casts integers too: `to(dtype)`", ["Module.type"]],
  ["`shareTensor` for each tensor of the state dict", ["Module.share_memory"]],
];

/** Methods of Module that a class may override, and nobody calls. */
const OVERRIDDEN: ReadonlySet<string> = new Set(["extraRepr", "getExtraState", "setExtraState"]);

/** The reason for each name that is not here. @throws Error for names that are nowhere, and for reasons that nobody needs. */
function missingNames(
  names: Readonly<Record<string, readonly string[]>>,
  here: Readonly<Record<string, ReadonlySet<string>>>,
): string[] {
  const missing = Object.entries(names).flatMap(([group, list]) =>
    list
      .filter((name) => !here[group]!.has(toCamelCase(name)) && !here[group]!.has(name))
      .map((name) => `${group}.${name}`),
  );
  const rows: string[] = [];
  for (const [reason, patterns] of NOT_HERE) {
    const found = patterns.flatMap((pattern) => {
      const matching = missing.filter((name) =>
        pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
      );
      if (matching.length === 0)
        throw new Error(`scripts/generate-nn.ts: ${pattern} is here, or PyTorch has it no more`);
      return matching;
    });
    for (const name of found) missing.splice(missing.indexOf(name), 1);
    rows.push(`| ${found.map((name) => `\`${name.replace(/^nn\./, "")}\``).join(", ")} | ${reason} |`);
  }
  if (missing.length > 0)
    throw new Error(`scripts/generate-nn.ts: neither here nor in NOT_HERE: ${missing.join(", ")}`);
  return rows;
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

  /** Names of everything that a file exports. */
  names(file: string): Set<string> {
    const source = this.program.getSourceFile(join(ROOT, file))!;
    return new Set(this.checker.getExportsOfModule(this.checker.getSymbolAtLocation(source)!).map(({ name }) => name));
  }

  /** The public methods of Module. */
  methods(): Entry[] {
    const source = this.program.getSourceFile(join(ROOT, "lib/torch/nn/module.ts"))!;
    const declaration = source.statements.find(
      (each): each is ts.ClassDeclaration => ts.isClassDeclaration(each) && each.name?.text === "Module",
    )!;
    const type = this.checker.getTypeAtLocation(declaration);
    return type
      .getProperties()
      .flatMap((symbol) => {
        const method = symbol.declarations?.find(ts.isMethodDeclaration);
        const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
        if (!method || !ts.isIdentifier(method.name) || ts.getCombinedModifierFlags(method) & hidden) return [];
        if (ts.getJSDocTags(method).some(({ tagName }) => tagName.text === "internal")) return [];
        const [signature] = this.checker
          .getTypeOfSymbolAtLocation(symbol, method)
          .getNonNullableType()
          .getCallSignatures();
        return [{ name: symbol.name, text: this.textOf(symbol), arguments: this.argumentsOf(signature) }];
      })
      .sort((a, b) => a.name.localeCompare(b.name, "en"));
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
  const methods = reader.methods();
  const utils = { parametrizations: "parametrizations", parametrize: "parametrize", rnn: "rnn" };
  const { torch: version, ...pythonNames } = surface;
  const missing = missingNames(
    Object.fromEntries(
      Object.entries(pythonNames).map(([group, list]) => [group === "module" ? "Module" : group, list]),
    ),
    {
      nn: reader.names("lib/torch/nn/index.ts"),
      functional: reader.names("lib/torch/nn/functional/index.ts"),
      Module: new Set([...methods.map(({ name }) => name), ...OVERRIDDEN]),
      init: reader.names("lib/torch/nn/init.ts"),
      utils: reader.names("lib/torch/nn/utils/index.ts"),
      ...Object.fromEntries(Object.keys(utils).map((name) => [name, reader.names(`lib/torch/nn/utils/${name}.ts`)])),
    },
  );
  return `# torch.nn

<!-- Generated by scripts/generate-nn.ts. Do not edit: run \`npm run generate\`. -->

The ${modules.length} modules of \`noether-ts/torch\`'s \`nn\`, its ${functional.length} functional forms, and what initialises parameters. Names, state-dict keys, initial values and results are PyTorch's
([torch/spelling.md](torch/spelling.md) has the rules of spelling). Arguments that PyTorch requires are by position; those in the last column are one options object.

\`\`\`ts
import { nn } from "noether-ts/torch";

const layer = new nn.Conv1d(8, 16, 3, { padding: 1, bias: false });
const y = nn.functional.leakyRelu(layer.forward(x), { negativeSlope: 0.1 });
\`\`\`

## Modules

${table(modules, "")}

## Methods of Module

${table(methods, "module.")}

## Functions

${table(functional, "nn.functional.")}

## Initial values

${table(reader.functions("lib/torch/nn/init.ts"), "nn.init.")}

## Utilities

${table(reader.functions("lib/torch/nn/utils/index.ts"), "nn.utils.")}

### Parametrizations

${table(reader.functions("lib/torch/nn/utils/parametrizations.ts"), "nn.utils.parametrizations.")}

${table(reader.functions("lib/torch/nn/utils/parametrize.ts"), "nn.utils.parametrize.")}

### Sequences of different lengths

${table(reader.functions("lib/torch/nn/utils/rnn.ts"), "nn.utils.rnn.")}

## Not here

Every other public name of PyTorch ${version}'s \`nn\`, \`nn.functional\`, \`nn.init\`, \`nn.utils\` and \`nn.Module\` is here (\`npm run generate:check\` compares).

| name in Python | why not |
|---|---|
${missing.join("\n")}
`;
}

if (require.main === module) writeOrCheck(PAGE, nnPage());
