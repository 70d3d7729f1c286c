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

/** What lib says of config classes, by name, which several may share; constants with fields that classes spread into theirs are followed. */
export function readConfigSources(): Map<string, ConfigSource[]> {
  const found = new Map<string, ConfigSource[]>();
  for (const file of readdirSync(join(root, "lib"), { recursive: true, encoding: "utf8" })
    .map((each) => `lib/${each}`)
    .filter((each) => each.endsWith(".ts"))
    .sort()) {
    const source = ts.createSourceFile(file, readFileSync(join(root, file), "utf8"), ts.ScriptTarget.Latest, true);
    const fieldsOf = (literal: ts.ObjectLiteralExpression): Map<string, string> => {
      const fields = new Map<string, string>();
      for (const each of literal.properties)
        if (ts.isSpreadAssignment(each)) {
          const shared = ts.isIdentifier(each.expression) ? constants.get(each.expression.text) : undefined;
          for (const [key, text] of shared ?? []) fields.set(key, text);
        } else if (each.name !== undefined) fields.set(each.name.getText().replace(/["']/g, ""), commentOf(each));
      return fields;
    };
    const constants = new Map<string, Map<string, string>>();
    const visit = (node: ts.Node): void => {
      if (ts.isVariableDeclaration(node) && node.initializer !== undefined) {
        const value = ts.isAsExpression(node.initializer) ? node.initializer.expression : node.initializer;
        if (ts.isObjectLiteralExpression(value)) constants.set(node.name.getText(), fieldsOf(value));
      }
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
          const fields = options.properties.find((each) => each.name?.getText() === "fields");
          const literal = fields !== undefined && ts.isPropertyAssignment(fields) ? fields.initializer : undefined;
          let owner: ts.Node = node;
          while (!ts.isSourceFile(owner) && !ts.isVariableStatement(owner)) owner = owner.parent;
          found.set(name.text, [
            ...(found.get(name.text) ?? []),
            {
              file,
              comment: commentOf(owner),
              fields:
                literal === undefined
                  ? new Map()
                  : ts.isObjectLiteralExpression(literal)
                    ? fieldsOf(literal)
                    : (constants.get(literal.getText()) ?? new Map<string, string>()),
            },
          ]);
        }
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return found;
}
