import { PlatformError } from "../platform-error.ts";

/** Deepest nesting of arrays and objects. */
export const MAX_JSON_DEPTH = 32;

/** The one key that is no plain member of an object. */
export const FORBIDDEN_KEY = "__proto__";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const ZERO = 0x30;
const SMALL_E = 0x65;
const LARGE_E = 0x45;
/** Whole numbers of so many digits are exact however they are added up. */
const EXACT_DIGITS = 15;

/** Value of the digit at `i`; negative for anything else. */
function digitAt(text: string, i: number): number {
  const code = text.charCodeAt(i);
  return code >= 0x30 && code <= 0x39 ? code - 0x30 : -1;
}

/** Reads a JSON text character by character; `parseStrictJson` says what it refuses. */
export class JsonReader {
  private readonly text: string;
  private at = 0;
  private depth = 0;
  private nContainers = 0;
  private readonly maxContainers: number;

  constructor(text: string, maxContainers = Infinity) {
    this.text = text;
    this.maxContainers = maxContainers;
  }

  document(): unknown {
    const value = this.value();
    this.space();
    if (this.at < this.text.length) this.refuse("the end of the text");
    return value;
  }

  private value(): unknown {
    this.space();
    switch (this.text.charCodeAt(this.at)) {
      case 0x7b:
        return this.object();
      case 0x5b:
        return this.array();
      case QUOTE:
        return this.string();
      case 0x74:
        return this.word("true", true);
      case 0x66:
        return this.word("false", false);
      case 0x6e:
        return this.word("null", null);
      default:
        return this.number();
    }
  }

  private object(): Record<string, unknown> {
    this.enter();
    const object = Object.create(null) as Record<string, unknown>;
    if (this.closes(0x7d)) return object;
    for (;;) {
      this.space();
      if (this.text.charCodeAt(this.at) !== QUOTE) this.refuse("a key in quotes");
      const start = this.at;
      const key = this.string();
      if (key === FORBIDDEN_KEY) this.refuse("another key than the reserved one", start);
      if (Object.hasOwn(object, key)) this.refuse("each key once", start);
      this.space();
      this.expect(0x3a, "':'");
      object[key] = this.value();
      if (this.closes(0x7d)) return object;
      this.expect(0x2c, "',' or '}'");
    }
  }

  private array(): unknown[] {
    this.enter();
    const array: unknown[] = [];
    if (this.closes(0x5d)) return array;
    for (;;) {
      array.push(this.value());
      if (this.closes(0x5d)) return array;
      this.expect(0x2c, "',' or ']'");
    }
  }

  private string(): string {
    const { text } = this;
    const start = this.at;
    let hasEscape = false;
    for (let i = start + 1; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code === QUOTE) {
        this.at = i + 1;
        return hasEscape ? this.unescape(start) : text.slice(start + 1, i);
      }
      if (code === BACKSLASH) {
        hasEscape = true;
        i++;
      } else if (code < 0x20) {
        this.at = i;
        this.refuse("control characters to be escaped");
      }
    }
    this.at = text.length;
    return this.refuse("a closing quote");
  }

  /** Escapes are rare: JSON.parse reads them; a lone surrogate can only come from one. */
  private unescape(start: number): string {
    let value: unknown;
    try {
      value = JSON.parse(this.text.slice(start, this.at));
    } catch {
      return this.refuse("a valid escape", start);
    }
    if (typeof value !== "string" || !value.isWellFormed()) this.refuse("no lone surrogate", start);
    return value;
  }

  /** Short whole numbers are added up as they are scanned; all others go through Number. */
  private number(): number {
    const { text } = this;
    const start = this.at;
    const isNegative = text.charCodeAt(start) === MINUS;
    const first = isNegative ? start + 1 : start;
    let i = first;
    let whole = 0;
    for (let digit = digitAt(text, i); digit >= 0; digit = digitAt(text, ++i)) whole = whole * 10 + digit;
    if (text.startsWith("NaN", first) || text.startsWith("Infinity", first)) this.refuse("a finite number");
    if (i === first || (i > first + 1 && text.charCodeAt(first) === ZERO)) this.refuse("a value");
    const next = text.charCodeAt(i);
    if (next !== POINT && next !== SMALL_E && next !== LARGE_E && i - first <= EXACT_DIGITS) {
      this.at = i;
      return isNegative ? -whole : whole;
    }
    if (next === POINT) i = this.digits(i + 1);
    const mark = text.charCodeAt(i);
    if (mark === SMALL_E || mark === LARGE_E) {
      const sign = text.charCodeAt(i + 1);
      i = this.digits(sign === PLUS || sign === MINUS ? i + 2 : i + 1);
    }
    const value = Number(text.slice(start, i));
    if (!Number.isFinite(value)) this.refuse("a number within ±1.8e308");
    this.at = i;
    return value;
  }

  /** End of one or more digits from `start` on. */
  private digits(start: number): number {
    let i = start;
    while (digitAt(this.text, i) >= 0) i++;
    if (i === start) this.refuse("a digit", i);
    return i;
  }

  private word<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) this.refuse("a value");
    this.at += word.length;
    return value;
  }

  private enter(): void {
    if (++this.nContainers > this.maxContainers)
      this.refuse(`at most ${this.maxContainers} objects and lists`);
    this.at++;
    if (++this.depth > MAX_JSON_DEPTH) this.refuse(`at most ${MAX_JSON_DEPTH} levels`);
  }

  private closes(code: number): boolean {
    this.space();
    if (this.text.charCodeAt(this.at) !== code) return false;
    this.at++;
    this.depth--;
    return true;
  }

  private expect(code: number, what: string): void {
    if (this.text.charCodeAt(this.at) !== code) this.refuse(what);
    this.at++;
  }

  private space(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.at++;
    }
  }

  /** The reply quotes no part of the body: it may be long, secret, or made to be quoted. */
  private refuse(expected: string, at = this.at): never {
    const found = at >= this.text.length ? "the end" : `character ${at + 1}`;
    throw new PlatformError("invalid_json", `read JSON [at ${found}]: expected ${expected}`);
  }
}
