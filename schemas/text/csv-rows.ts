/**
 * Rows of CSV text (RFC 4180): cells between commas, quoted where they hold a comma, a quote or a line end.
 *
 * @throws {RangeError} a quote that is never closed, or text behind one; the message has the line
 */
export function* csvRows(
  text: string,
): Generator<{ readonly line: number; readonly cells: readonly string[] }> {
  let at = text.startsWith("\uFEFF") ? 1 : 0;
  for (let line = 1; at < text.length;) {
    const begun = line;
    const cells: string[] = [];
    for (;;) {
      const cell = text[at] === '"' ? quotedCell(text, at, line) : plainCell(text, at);
      cells.push(cell.value);
      line += cell.nLines;
      at = cell.end;
      if (text[at] !== ",") break;
      at++;
    }
    if (text[at] === "\r" && text[at + 1] === "\n") at++;
    at++;
    line++;
    if (cells.length > 1 || cells[0] !== "") yield { line: begun, cells };
  }
}

interface Cell {
  readonly value: string;
  /** Where what follows it stands. */
  readonly end: number;
  readonly nLines: number;
}

const PLAIN_END = /[,\r\n]/g;

function plainCell(text: string, start: number): Cell {
  PLAIN_END.lastIndex = start;
  const end = PLAIN_END.exec(text)?.index ?? text.length;
  return { value: text.slice(start, end), end, nLines: 0 };
}

function quotedCell(text: string, start: number, line: number): Cell {
  let value = "";
  for (let at = start + 1; ;) {
    const quote = text.indexOf('"', at);
    if (quote < 0) throw new RangeError(`line ${line}: expected a closing quote, got the end of the file`);
    value += text.slice(at, quote);
    if (text[quote + 1] === '"') {
      value += '"';
      at = quote + 2;
      continue;
    }
    const end = quote + 1;
    if (end < text.length && !/[,\r\n]/.test(text[end] ?? ""))
      throw new RangeError(`line ${line}: expected a comma behind a closing quote, got ${text[end]}`);
    return { value, end, nLines: value.split("\n").length - 1 };
  }
}
