import { isAlias, isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseDocument, visit } from "yaml";
import type { Document } from "yaml";

/** Where a value or key sits in the file; the path has map keys and list indices. */
export type FieldPath = readonly (string | number)[];

/** One thing wrong with the file, before it has a line. */
export interface Problem {
  readonly path: FieldPath;
  /** The offending key below `path`, when the key itself is wrong. */
  readonly key?: string;
  readonly expected: string;
  readonly found: string;
}

/** A problem of the text itself, already with its line. */
export interface TextProblem {
  readonly line: number;
  readonly expected: string;
  readonly found: string;
}

const MAX_BYTES = 1_000_000;
const MAX_DEPTH = 100;
const CORE_TAGS = new Set(
  ["str", "int", "float", "bool", "null", "map", "seq"].map((t) => `tag:yaml.org,2002:${t}`),
);

/** A YAML file as plain data, with the line of every field. */
export interface YamlFile {
  readonly value: unknown;
  readonly problems: readonly TextProblem[];
  /** 1-based line of a path, of its nearest existing parent when it is absent, or of a key below it. */
  lineOf(path: FieldPath, key?: string): number;
}

/**
 * Reads YAML as data only.
 *
 * Refused, each with its line: more than 1 MB, syntax errors, duplicate keys, several documents, anchors
 * and aliases (a few lines of them can expand to gigabytes), tags, keys that are not text, `__proto__`,
 * nesting deeper than 100.
 */
export function readYaml(text: string): YamlFile {
  if (Buffer.byteLength(text, "utf8") > MAX_BYTES) {
    return refused({ line: 1, expected: `at most ${MAX_BYTES} bytes`, found: `${text.length} characters` });
  }
  const deepLine = firstLineDeeperThan(text, MAX_DEPTH);
  if (deepLine !== undefined) {
    return refused({ line: deepLine, expected: `nesting of at most ${MAX_DEPTH}`, found: "deeper nesting" });
  }
  const lines = new LineCounter();
  const document = parseDocument(text.replace(/^\uFEFF/, ""), { lineCounter: lines, uniqueKeys: true });
  const lineAt = (offset: number | undefined): number => Math.max(1, lines.linePos(offset ?? 0).line);
  const problems: TextProblem[] = document.errors.map((e) => ({
    line: lineAt(e.pos[0]),
    expected: e.code === "DUPLICATE_KEY" ? "each key once" : "YAML",
    found: firstSentence(e.message),
  }));
  problems.push(...forbiddenNodes(document, lineAt));
  return {
    value: problems.length > 0 ? undefined : document.toJS({ maxAliasCount: 0 }),
    problems,
    lineOf: (path, key) => lineOfPath(document, path, key, lineAt),
  };
}

function refused(problem: TextProblem): YamlFile {
  return { value: undefined, problems: [problem], lineOf: () => problem.line };
}

function forbiddenNodes(
  document: Document.Parsed,
  lineAt: (offset: number | undefined) => number,
): TextProblem[] {
  const found: TextProblem[] = [];
  visit(document, (_, node) => {
    if (isPair(node)) {
      const key = node.key;
      const offset = isNode(key) ? key.range?.[0] : undefined;
      if (!isScalar(key) || typeof key.value !== "string") {
        const quoted = isScalar(key) ? `, which needs quotes: '${String(key)}'` : "";
        found.push({ line: lineAt(offset), expected: `a key that is text${quoted}`, found: String(key) });
      } else if (key.value === "__proto__") {
        found.push({ line: lineAt(offset), expected: "another key", found: "__proto__" });
      }
      return;
    }
    if (!isNode(node)) return;
    const line = (): number => lineAt(node.range?.[0]);
    if (isAlias(node)) found.push({ line: line(), expected: "no aliases", found: `*${node.source}` });
    else if (node.anchor !== undefined) {
      found.push({ line: line(), expected: "no anchors", found: `&${node.anchor}` });
    } else if (node.tag !== undefined && !CORE_TAGS.has(node.tag)) {
      found.push({ line: line(), expected: "no tags", found: node.tag });
    }
  });
  return found;
}

function lineOfPath(
  document: Document.Parsed,
  path: FieldPath,
  key: string | undefined,
  lineAt: (offset: number | undefined) => number,
): number {
  let node: unknown = document.contents;
  let line = isNode(node) ? lineAt(node.range?.[0]) : 1;
  for (const step of key === undefined ? path : [...path, key]) {
    if (isSeq(node)) {
      node = node.items[Number(step)];
      if (!isNode(node)) return line;
      line = lineAt(node.range?.[0]);
    } else if (isMap(node)) {
      const pair = node.items.find((p) => isScalar(p.key) && p.key.value === step);
      if (pair === undefined) return line;
      if (isNode(pair.key)) line = lineAt(pair.key.range?.[0]);
      node = pair.value;
    } else return line;
  }
  return line;
}

/** A cheap upper bound of nesting before the recursive parser sees the text: brackets and indentation. */
function firstLineDeeperThan(text: string, limit: number): number | undefined {
  let open = 0;
  let line = 1;
  let dashes = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === "\n") {
      line++;
      dashes = 0;
    } else if (c === "[" || c === "{") open++;
    else if ((c === "]" || c === "}") && open > 0) open--;
    else if (c === "-" && text[i + 1] === " ") dashes++;
    if (open > limit || dashes > limit) return line;
  }
  return undefined;
}

function firstSentence(message: string): string {
  return (message.split("\n")[0] ?? message).replace(/ at line \d+, column \d+:?$/, "");
}
