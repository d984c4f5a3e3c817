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
  const bracketed = bracketedAt(text, at);
  if (bracketed !== undefined) {
    return { kind: "name", name: bracketed.slice(1, -1), isBracketed: true, text: bracketed, at: at + 1 };
  }
  const sign = text.charAt(at);
  if (SIGNS.includes(sign)) return { kind: "sign", text: sign, at: at + 1 };
  const shown = String.fromCodePoint(text.codePointAt(at) ?? 0);
  throw new FormulaError(
    "a name, a number, + - * / ( ) , or a [bracketed name]",
    `'${shown}' at position ${at + 1}`,
  );
}

/** A bracketed name; brackets inside it are balanced, so that `[Torque [Nm]]` is the column `Torque [Nm]`. */
function bracketedAt(text: string, at: number): string | undefined {
  if (text.charAt(at) !== "[") return undefined;
  let depth = 0;
  for (let end = at; end < text.length; end++) {
    if (text.charAt(end) === "[") depth++;
    else if (text.charAt(end) === "]" && --depth === 0)
      return end > at + 1 ? text.slice(at, end + 1) : undefined;
  }
  return undefined;
}
