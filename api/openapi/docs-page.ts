import type { ApiDescription, Operation } from "./describe-api.ts";

const STYLE = `
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1.5rem;color:#1b1f24;background:#fff}
h1{font-size:1.6rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem;text-transform:capitalize}
details{border:1px solid #d0d7de;border-radius:6px;margin:.4rem 0}summary{cursor:pointer;padding:.5rem .75rem}
details>div{padding:0 .75rem .75rem}code,pre{font:13px/1.45 ui-monospace,monospace}
pre{background:#f6f8fa;border-radius:6px;padding:.75rem;overflow:auto;max-height:24rem}
.m{display:inline-block;min-width:3.8rem;font-weight:700}.d{color:#57606a}
table{border-collapse:collapse}td{padding:.15rem 1rem .15rem 0;vertical-align:top}
@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}details{border-color:#30363d}pre{background:#161b22}.d{color:#8b949e}}
`;

/** The API's description as one page: no script, nothing loaded from elsewhere, readable without a mouse. */
export function renderDocsPage(api: ApiDescription): string {
  const byTag = new Map<string, string[]>();
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = operation.tags[0] ?? "other";
      byTag.set(tag, [...(byTag.get(tag) ?? []), renderOperation(method, path, operation)]);
    }
  }
  const sections = [...byTag].map(([tag, operations]) => `<h2>${escape(tag)}</h2>${operations.join("")}`);
  const { title, version, description } = api.info;
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escape(title)} API</title><style>${STYLE}</style></head><body>
<h1>${escape(title)} API</h1><p class="d">${escape(description)} Release ${escape(version)}.
For machines: <a href="/openapi.json">/openapi.json</a>. Errors are problem+json with a stable <code>code</code>.</p>
${sections.join("\n")}</body></html>`;
}

function renderOperation(method: string, path: string, operation: Operation): string {
  const { summary, description, parameters = [], requestBody, responses } = operation;
  const rows = parameters.map(
    (p) =>
      `<tr><td><code>${escape(p.name)}</code>${p.required ? " *" : ""}</td><td class="d">${escape(p.in)}</td><td>${escape(p.description ?? "")} <code>${escape(JSON.stringify(p.schema))}</code></td></tr>`,
  );
  const bodies = Object.entries(requestBody?.content ?? {}).map(
    ([type, { schema }]) => `<p>Body <code>${escape(type)}</code></p>${renderSchema(schema)}`,
  );
  return `<details><summary><span class="m">${escape(method.toUpperCase())}</span> <code>${escape(path)}</code>
<span class="d">${escape(summary)}</span></summary><div><p>${escape(description)}</p>
${rows.length === 0 ? "" : `<table>${rows.join("")}</table>`}<p>${escape(requestBody?.description ?? "")}</p>${bodies.join("")}
<p>Replies</p>${renderSchema(responses)}</div></details>`;
}

function renderSchema(schema: unknown): string {
  const text = JSON.stringify(schema, undefined, 2);
  return text === "{}" ? "" : `<pre>${escape(text)}</pre>`;
}

function escape(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
