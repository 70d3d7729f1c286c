/**
 * docs/performance.svg: the ratios of the models benchmark, a panel for each machine that docs/benchmarks.md has them for.
 *
 *   npx tsx benchmarks/picture.ts
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

interface Row {
  readonly model: string;
  readonly points: string;
  readonly dtype: string;
  readonly what: string;
  readonly ratio: number;
}

/** Of "0.88", or of a range over runs, "0.88–1.03". */
function middle(cell: string): number {
  const ends = cell.split("–").map(Number);
  return (ends[0]! + ends.at(-1)!) / 2;
}

/** The rows of the first table under "### Models" in a machine's section. */
function rowsOf(section: string): Row[] {
  const part = section.split(/^### /m).find((text) => text.startsWith("Models\n")) ?? "";
  const table = /(?:^\|.*\n)+/m.exec(part)?.[0] ?? "";
  const rows = table
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const [head, ...body] = rows;
  const at = (name: string) => head!.indexOf(name);
  return body.map((cells) => ({
    model: cells[at("model")]!,
    points: cells[at("points")]!,
    dtype: cells[at("dtype")]!,
    what: cells[at("what")]!,
    ratio: middle(cells[at("ratio")]!),
  }));
}

const NAMES: Record<string, string> = {
  ab_upt: "AB-UPT",
  upt: "UPT",
  transformer: "Transformer",
  transolver: "Transolver",
};
const COLORS: Record<string, string> = { float32: "#3b6ea5", bfloat16: "#c8642b" };
const WIDTH = 290;
const LINE = 22;
const LABELS = 170;
const TOP = 62;
const MOST = 1.2;

const docs = join(__dirname, "..", "docs");
const page = readFileSync(join(docs, "benchmarks.md"), "utf8");
const machines = page
  .split(/^## /m)
  .slice(1)
  .map((section) => ({ title: section.split("\n", 1)[0]!, rows: rowsOf(section) }))
  .filter(({ rows }) => rows.length > 0);
const lines = ["1", "1/16"].flatMap((points) => Object.keys(NAMES).map((model) => ({ points, model })));
const height = TOP + lines.length * LINE + 40;
const width = LABELS + machines.length * (WIDTH + 30);

const text = (x: number, y: number, content: string, more = "") =>
  `<text x="${x}" y="${y}" ${more}>${content.replace(/&/g, "&amp;").replace(/</g, "&lt;")}</text>`;
const parts = lines.map(({ points, model }, i) =>
  text(
    LABELS - 12,
    TOP + i * LINE + 15,
    `${NAMES[model]}, ${points === "1" ? "all points" : points}`,
    'text-anchor="end"',
  ),
);
for (const [m, { title, rows }] of machines.entries()) {
  const left = LABELS + m * (WIDTH + 30);
  const x = (ratio: number) => left + (Math.min(ratio, MOST) / MOST) * WIDTH;
  const [machine, tier] = title.replace(/\(R\)|Processor/g, "").split(/,\s*(?=\S+$)/);
  parts.push(text(left, 20, machine!.replace(/\s+/g, " ").trim(), 'font-weight="600"'), text(left, 38, `tier ${tier}`));
  for (const tick of [0, 0.25, 0.5, 0.75, 1]) {
    const strong = tick === 1 ? 'stroke="#444" stroke-dasharray="4 3"' : 'stroke="#ddd"';
    const bottom = TOP + lines.length * LINE;
    parts.push(`<line x1="${x(tick)}" x2="${x(tick)}" y1="${TOP - 6}" y2="${bottom}" ${strong}/>`);
    parts.push(text(x(tick), bottom + 15, String(tick), 'text-anchor="middle" fill="#666"'));
  }
  for (const [i, line] of lines.entries()) {
    const y = TOP + i * LINE + 10;
    const own = rows.filter(({ model, points }) => model === line.model && points === line.points);
    if (own.length === 0) parts.push(text(x(0) + 4, y + 5, "not measured", 'fill="#999"'));
    for (const { dtype, what, ratio } of own) {
      const color = COLORS[dtype]!;
      const fill = what === "forward" ? "#fff" : color;
      const mark = `<circle cx="${x(ratio).toFixed(1)}" cy="${y + (dtype === "float32" ? -3 : 3)}" r="4.5"`;
      parts.push(`${mark} fill="${fill}" stroke="${color}" stroke-width="1.8"/>`);
    }
  }
}
const legend = [
  ["float32, forward", "float32", "forward"],
  ["float32, step", "float32", "train"],
  ["bfloat16, forward", "bfloat16", "forward"],
  ["bfloat16, step", "bfloat16", "train"],
] as const;
for (const [i, [label, dtype, what]] of legend.entries()) {
  const [cx, cy] = [LABELS + 5 + i * 140, height - 10];
  const fill = what === "forward" ? "#fff" : COLORS[dtype];
  parts.push(`<circle cx="${cx}" cy="${cy}" r="4.5" fill="${fill}" stroke="${COLORS[dtype]}" stroke-width="1.8"/>`);
  parts.push(text(cx + 10, cy + 4, label));
}
writeFileSync(
  join(docs, "performance.svg"),
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="12.5" fill="#222">
<title>Time here / time of PyTorch, left of the dashed line: faster here</title>
<rect width="100%" height="100%" fill="#fff"/>
${parts.join("\n")}
</svg>
`,
);
