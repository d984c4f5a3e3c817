/**
 * Formulas as a user writes them: `power / max(rpm, 1) - [oil temp]`. A Pratt parser: each sign has a binding
 * power, and a loop takes operators for as long as they bind tighter than what stands to the left.
 *
 * The text is never evaluated as code: it becomes a tree with bounded size and depth, and that becomes SQL
 * (formula-sql.ts) or is walked (evaluate.ts).
 */
import { FUNCTION_ARITY } from "./formula.ts";
import type { BinaryOperator, Formula, FormulaFunction } from "./formula.ts";
import { FormulaError, tokenize } from "./tokens.ts";
import type { Token } from "./tokens.ts";

export const MAX_FORMULA_DEPTH = 64;
export const MAX_FORMULA_TOKENS = 500;

const BINDING: Readonly<Record<string, number>> = { "+": 10, "-": 10, "*": 20, "/": 20 };
const UNARY_BINDING = 30;

/**
 * @param onError what to do with a FormulaError; it must not return. Default: throws it
 * @throws {FormulaError} naming the position
 */
export function parseFormula(text: string, onError: (error: FormulaError) => never = rethrow): Formula {
  try {
    const tokens = tokenize(text);
    if (tokens.length > MAX_FORMULA_TOKENS)
      throw new FormulaError(`at most ${MAX_FORMULA_TOKENS} tokens`, `${tokens.length}`);
    const parser = new Parser(tokens);
    const formula = parser.expression(0);
    parser.require("end", "an operator or the end");
    return formula;
  } catch (error) {
    if (error instanceof FormulaError) return onError(error);
    throw error;
  }
}

function rethrow(error: FormulaError): never {
  throw error;
}

/** Column and feature names in a formula, each once, in order of appearance. */
export function formulaNames(formula: Formula): string[] {
  const names = new Set<string>();
  const visit = (node: Formula): void => {
    if (node.kind === "name") names.add(node.name);
    else if (node.kind === "negate") visit(node.operand);
    else if (node.kind === "binary") [node.left, node.right].forEach(visit);
    else if (node.kind === "call") node.args.forEach(visit);
  };
  visit(formula);
  return [...names];
}

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  expression(minBinding: number): Formula {
    this.#depth++;
    if (this.#depth > MAX_FORMULA_DEPTH)
      throw new FormulaError(`at most ${MAX_FORMULA_DEPTH} levels of nesting`, where(this.#peek()));
    let left = this.#operand();
    for (;;) {
      const token = this.#peek();
      const binding = token.kind === "sign" ? BINDING[token.text] : undefined;
      if (binding === undefined || binding <= minBinding) break;
      this.#next++;
      left = {
        kind: "binary",
        operator: token.text as BinaryOperator,
        left,
        right: this.expression(binding),
      };
    }
    this.#depth--;
    return left;
  }

  require(kind: Token["kind"], expected: string): void {
    if (this.#peek().kind !== kind) throw new FormulaError(expected, where(this.#peek()));
    this.#next++;
  }

  #peek(): Token {
    const token = this.#tokens[this.#next] ?? this.#tokens.at(-1);
    if (token === undefined) throw new FormulaError("a formula", "nothing");
    return token;
  }

  #operand(): Formula {
    const token = this.#peek();
    this.#next++;
    if (token.kind === "number") return { kind: "number", value: token.value };
    if (token.kind === "name") return this.#nameOrCall(token);
    if (token.text === "-") return { kind: "negate", operand: this.expression(UNARY_BINDING) };
    if (token.text === "(") {
      const inner = this.expression(0);
      this.#sign(")");
      return inner;
    }
    throw new FormulaError("a name, a number, '-' or '('", where(token));
  }

  #nameOrCall(token: Extract<Token, { kind: "name" }>): Formula {
    if (token.isBracketed || this.#peek().text !== "(" || this.#peek().kind !== "sign")
      return { kind: "name", name: token.name };
    if (!Object.hasOwn(FUNCTION_ARITY, token.name))
      throw new FormulaError("one of abs, log, sqrt, min, max", where(token));
    const callee = token.name as FormulaFunction;
    this.#next++;
    const args = [this.expression(0)];
    while (this.#peek().text === ",") {
      this.#next++;
      args.push(this.expression(0));
    }
    this.#sign(")");
    const [least, greatest] = FUNCTION_ARITY[callee];
    if (args.length < least || args.length > greatest)
      throw new FormulaError(
        `${least === greatest ? least : `${least} to ${greatest}`} argument(s) of ${callee}`,
        `${args.length} at position ${token.at}`,
      );
    return { kind: "call", callee, args };
  }

  #sign(text: string): void {
    const token = this.#peek();
    if (token.kind !== "sign" || token.text !== text) throw new FormulaError(`'${text}'`, where(token));
    this.#next++;
  }
}

function where(token: Token): string {
  return token.kind === "end" ? "the end" : `'${token.text}' at position ${token.at}`;
}
