const FUNCTIONS = new Set(["abs", "log", "sqrt", "min", "max"]);

/**
 * Names that an expression's formula refers to, in order, functions and exponents left out.
 *
 * A name with signs other than letters, digits and `_` stands in brackets; brackets inside it are balanced, so
 * that `[Torque [Nm]] * 2` names the column `Torque [Nm]`. An unclosed bracket yields the rest of the text.
 */
export function namesInFormula(formula: string): string[] {
  const names: string[] = [];
  let i = 0;
  while (i < formula.length) {
    const rest = formula.slice(i);
    const plain = /^(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|^[\p{L}_][\p{L}\p{N}_]*/u.exec(rest)?.[0];
    if (rest.startsWith("[")) {
      const length = bracketLength(rest);
      names.push(rest.slice(1, length - 1));
      i += length;
    } else if (plain === undefined) i++;
    else {
      if (!/^[\d.]/.test(plain) && !FUNCTIONS.has(plain)) names.push(plain);
      i += plain.length;
    }
  }
  return names;
}

function bracketLength(text: string): number {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "[") depth++;
    else if (text[i] === "]" && --depth === 0) return i + 1;
  }
  return text.length + 1;
}
