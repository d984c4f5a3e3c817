/** A piece of a formula; `at` is its position, from 1. */
export type Token =
  | { readonly kind: "number"; readonly value: number; readonly text: string; readonly at: number }
  | {
      readonly kind: "name";
      readonly name: string;
      readonly isBracketed: boolean;
      readonly text: string;
      readonly at: number;
    }
  | { readonly kind: "sign"; readonly text: string; readonly at: number }
  | { readonly kind: "end"; readonly text: string; readonly at: number };

/** What is wrong with a formula and where. */
export class FormulaError extends Error {
  override readonly name = "FormulaError";
  readonly expected: string;
  readonly found: string;

  constructor(expected: string, found: string) {
    super(`formula: expected ${expected}, found ${found}`);
    this.expected = expected;
    this.found = found;
  }
}

const NUMBER = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const NAME = /[\p{L}_][\p{L}\p{N}_]*/uy;
const SPACE = /\s+/y;
/** `]` inside a bracketed name is written twice. */
const BRACKETED = /\[((?:[^\]]|\]\])+)\]/y;
const SIGNS = "+-*/(),";

/**
 * Cuts a formula into tokens.
 *
 * @throws {FormulaError} at the first character that starts no token, or a number too large for a double
 */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp) => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  while (at < text.length) {
    const space = match(SPACE);
    if (space !== null) {
      at += space[0].length;
      continue;
    }
    const token = tokenAt(text, at, match);
    tokens.push(token);
    at += token.text.length;
  }
  tokens.push({ kind: "end", text: "the end", at: text.length + 1 });
  return tokens;
}

function tokenAt(text: string, at: number, match: (pattern: RegExp) => RegExpExecArray | null): Token {
  const number = match(NUMBER);
  if (number !== null) {
    const value = Number(number[0]);
    if (!Number.isFinite(value))
      throw new FormulaError("a number within double range", `${number[0]} at position ${at + 1}`);
    return { kind: "number", value, text: number[0], at: at + 1 };
  }
  const name = match(NAME);
  if (name !== null) return { kind: "name", name: name[0], isBracketed: false, text: name[0], at: at + 1 };
  const bracketed = match(BRACKETED);
  if (bracketed !== null) {
    const inner = (bracketed[1] ?? "").replaceAll("]]", "]");
    return { kind: "name", name: inner, isBracketed: true, text: bracketed[0], at: at + 1 };
  }
  const sign = text.charAt(at);
  if (SIGNS.includes(sign)) return { kind: "sign", text: sign, at: at + 1 };
  const shown = String.fromCodePoint(text.codePointAt(at) ?? 0);
  throw new FormulaError(
    "a name, a number, + - * / ( ) , or a [bracketed name]",
    `'${shown}' at position ${at + 1}`,
  );
}
