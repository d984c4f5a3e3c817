/**
 * Whether a name matches one of the patterns.
 *
 * @param patterns names separated by blanks, in which `*` stands for any text and `?` for one character
 */
export function matchesPatterns(patterns: string): (name: string) => boolean {
  const tests = patterns.trim().split(/\s+/).map(expressionOf);
  return (name) => tests.some((test) => test.test(name));
}

/** Runs of `*` are one, so that no pattern takes long to fail. */
function expressionOf(pattern: string): RegExp {
  const text = pattern
    .replaceAll(/\*+/g, "*")
    .replaceAll(/[\\^$.+()[\]{}|]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${text}$`, "su");
}
