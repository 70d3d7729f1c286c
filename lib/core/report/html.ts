/** Pages that stand alone: one file, no scripts, no network. */

/** A text in HTML. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --soft: light-dark(#56636f, #a3acba) }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem }
h1 { font-size: 1.5rem; overflow-wrap: anywhere } h2 { font-size: 1.15rem; margin-top: 2rem; border-bottom: 1px solid var(--line) }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem } dd { margin: 0; overflow-wrap: anywhere }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid var(--line) }
th:first-child, td:first-child { text-align: left }
.row { display: grid; grid-template-columns: repeat(3, 1fr); gap: .5rem }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 1rem }
figure { margin: 0 } img { width: 100%; background: white } figcaption { font-size: 13px }
dt { color: var(--soft) }
@media (max-width: 45rem) { .row, dl { grid-template-columns: minmax(0, 1fr) } dd { margin-bottom: .3rem } }
pre { overflow-x: auto; font-size: 12px }
svg { width: 100%; height: auto; display: block } svg text { font: 11px system-ui, sans-serif; fill: currentColor }
svg .title { font-size: 12.5px; font-weight: 600 } svg .grid { stroke: var(--line) } svg .frame { fill: none; stroke: var(--soft) }
.bar { display: flex; height: 1rem; border-radius: 4px; overflow: hidden; max-width: 40rem } .failed { color: light-dark(#b3261e, #ff8a80) }
`;

/** A page with a title (a text) and what is in its body (HTML). */
export function htmlPage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
${body}
</body>
</html>
`;
}

/** A table of texts. */
export function htmlTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join("")}</tr>`;
  return `<div class="wide"><table><thead>${line(head, "th")}</thead><tbody>${rows.map((row) => line(row, "td")).join("\n")}</tbody></table></div>`;
}

/** Names and what they are. */
export function htmlFacts(facts: readonly (readonly [name: string, value: string])[]): string {
  return `<dl>${facts.map(([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`).join("")}</dl>`;
}

/** A PNG with what is below it. */
export function htmlPicture(png: Buffer, alt: string, caption: string): string {
  return `<figure><img alt="${escapeHtml(alt)}" src="data:image/png;base64,${png.toString("base64")}"><figcaption>${escapeHtml(caption)}</figcaption></figure>`;
}
