/** Reads the comments of config classes and their keys, which schemas do not keep. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

const root = join(__dirname, "..");

/** What the sources say of a config class: where it is defined, its comment, and those of its keys (empty where there is none). */
export interface ConfigSource {
  readonly file: string;
  readonly comment: string;
  readonly fields: ReadonlyMap<string, string>;
}

/** The comment of a declaration, on one line. */
function commentOf(node: ts.Node): string {
  const text = ts
    .getJSDocCommentsAndTags(node)
    .filter(ts.isJSDoc)
    .map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? "")
    .join(" ");
  return text
    .replace(/\{@link ([^}]*)\}/g, "`$1`")
    .replace(/\s+/g, " ")
    .trim();
}

type Fields = ReadonlyMap<string, string>;

/** The fields of an object literal; those of a constant that it spreads are followed. */
function fieldsOf(literal: ts.ObjectLiteralExpression, constant: (name: string) => Fields | undefined): Fields {
  return new Map(
    literal.properties.flatMap((each) => {
      if (ts.isSpreadAssignment(each))
        return [...((ts.isIdentifier(each.expression) && constant(each.expression.text)) || [])];
      return each.name === undefined ? [] : [[each.name.getText().replace(/["']/g, ""), commentOf(each)] as const];
    }),
  );
}

/** The object literals among the constants of a file. */
function constantsOf(source: ts.SourceFile): Map<string, ts.ObjectLiteralExpression> {
  const found = new Map<string, ts.ObjectLiteralExpression>();
  for (const statement of source.statements)
    for (const { name, initializer } of ts.isVariableStatement(statement)
      ? statement.declarationList.declarations
      : []) {
      const value = initializer !== undefined && ts.isAsExpression(initializer) ? initializer.expression : initializer;
      if (value !== undefined && ts.isObjectLiteralExpression(value)) found.set(name.getText(), value);
    }
  return found;
}

/** What lib says of config classes, by name, which several may share; constants with fields that classes spread into theirs are followed. */
export function readConfigSources(): Map<string, ConfigSource[]> {
  const found = new Map<string, ConfigSource[]>();
  const sources = readdirSync(join(root, "lib"), { recursive: true, encoding: "utf8" })
    .map((each) => `lib/${each}`)
    .filter((each) => each.endsWith(".ts"))
    .sort()
    .map((file) => ts.createSourceFile(file, readFileSync(join(root, file), "utf8"), ts.ScriptTarget.Latest, true));
  const everywhere = new Map(sources.flatMap((source) => [...constantsOf(source)]));
  for (const source of sources) {
    const here = constantsOf(source);
    const constant = (name: string): Fields | undefined => {
      const literal = here.get(name) ?? everywhere.get(name);
      return literal === undefined ? undefined : fieldsOf(literal, constant);
    };
    const visit = (node: ts.Node): void => {
      if (ts.isCallExpression(node)) {
        const callee = ts.isPropertyAccessExpression(node.expression)
          ? node.expression.name.text
          : node.expression.getText();
        const [name, options] = node.arguments;
        if (
          ["defineConfig", "extend"].includes(callee) &&
          name !== undefined &&
          ts.isStringLiteral(name) &&
          options !== undefined &&
          ts.isObjectLiteralExpression(options)
        ) {
          const property = options.properties.find((each) => each.name?.getText() === "fields");
          const value = property !== undefined && ts.isPropertyAssignment(property) ? property.initializer : undefined;
          const fields =
            value === undefined
              ? undefined
              : ts.isObjectLiteralExpression(value)
                ? fieldsOf(value, constant)
                : constant(value.getText());
          let owner: ts.Node = node;
          while (!ts.isSourceFile(owner) && !ts.isVariableStatement(owner)) owner = owner.parent;
          found.set(name.text, [
            ...(found.get(name.text) ?? []),
            { file: source.fileName, comment: commentOf(owner), fields: fields ?? new Map() },
          ]);
        }
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return found;
}
