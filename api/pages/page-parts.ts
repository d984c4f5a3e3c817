import { escapeHtml } from "../../schemas/text/html.ts";

/** Pieces of the self-contained pages: no scripts, no network, all text escaped. */

export const BLUE = "#2b6cb0";
export const RED = "#c53030";

const STYLE =
  "body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#1c2430}" +
  "table{border-collapse:collapse}td,th{padding:.2rem .7rem;border-bottom:1px solid #d8dee6;text-align:right}" +
  "td:first-child,th:first-child{text-align:left}h2{margin-top:2rem}figure{display:inline-block;margin:.6rem;width:20rem}" +
  `figcaption{overflow-wrap:anywhere}.state{font-size:1.3rem;font-weight:bold}.drift,.degraded{color:${RED}}svg{max-width:100%}`;

/** @param body HTML, one piece per line */
export function htmlPage(title: string, body: readonly string[]): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body>${body.join("\n")}</body></html>\n`;
}

/** Nothing where there is no content. */
export function section(title: string, content: string): string {
  return content === "" ? "" : `<h2>${title}</h2>\n${content}`;
}

/** Nothing without rows. */
export function htmlTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  const cells = (list: readonly string[], tag: string): string =>
    `<tr>${list.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join("")}</tr>`;
  return `<table>${cells(head, "th")}${rows.map((row) => cells(row, "td")).join("")}</table>`;
}

export function numberCell(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : String(Number(value.toPrecision(3)));
}

export function percentCell(share: number | null): string {
  return share === null ? "–" : `${numberCell(100 * share)} %`;
}
