/** Patterns of the strptime directives whose value can be checked without the database. */
const DIRECTIVES: Readonly<Record<string, string>> = {
  Y: String.raw`(?<Y>\d{4})`,
  y: String.raw`(?<y>\d{2})`,
  m: String.raw`(?<m>\d{1,2})`,
  d: String.raw`(?<d>\d{1,2})`,
  H: String.raw`(?<H>\d{1,2})`,
  M: String.raw`(?<M>\d{1,2})`,
  S: String.raw`(?<S>\d{1,2})`,
  f: String.raw`\d{1,9}`,
  "%": "%",
};

/**
 * A test for texts in a strptime format, or undefined when the format has a directive that is not known here. Days that
 * a month does not have fail, as they do when the file is ingested; blanks around the text are passed over.
 */
export function timeTest(format: string): ((text: string) => boolean) | undefined {
  let pattern = "";
  const seen = new Set<string>();
  for (let i = 0; i < format.length; i++) {
    const character = format.charAt(i);
    if (character !== "%") {
      pattern += character.replace(/[\\^$.*+?()[\]{}|/-]/, String.raw`\$&`);
      continue;
    }
    i++;
    const directive = format.charAt(i);
    const known = DIRECTIVES[directive];
    if (known === undefined || seen.has(directive)) return undefined;
    seen.add(directive);
    pattern += known;
  }
  const whole = new RegExp(String.raw`^\s*${pattern}\s*$`);
  return (text) => {
    const match = whole.exec(text);
    return match !== null && isReal(match.groups ?? {});
  };
}

function isReal(parts: Readonly<Record<string, string>>): boolean {
  const year = Number(parts["Y"] ?? parts["y"] ?? 2000);
  const month = Number(parts["m"] ?? 1);
  const day = Number(parts["d"] ?? 1);
  if (month < 1 || month > 12 || day < 1) return false;
  // The last day of a month is day 0 of the next; two-digit years are of this century as far as leap days go.
  const lastDay = new Date(Date.UTC(year < 100 ? 2000 + year : year, month, 0)).getUTCDate();
  const isTime = Number(parts["H"] ?? 0) < 24 && Number(parts["M"] ?? 0) < 60 && Number(parts["S"] ?? 0) < 60;
  return day <= lastDay && isTime;
}

const DATES = ["%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%Y.%m.%d", "%d.%m.%y"];
const TIMES = ["", " %H:%M", " %H:%M:%S", "T%H:%M", "T%H:%M:%S", " %H:%M:%S.%f"];

/** A format that fits texts of a column. */
export interface TimeFormat {
  readonly format: string;
  /** The texts fit as well with day and month the other way round. */
  readonly isAmbiguous: boolean;
}

/**
 * The common format that at least a share of the texts is written in, day before month when both fit; undefined when
 * none does.
 */
export function guessTimeFormat(texts: readonly string[], minShare: number): TimeFormat | undefined {
  let best: TimeFormat | undefined;
  let bestCount = 0;
  for (const date of DATES) {
    for (const time of TIMES) {
      const format = date + time;
      const n = countFitting(texts, format, minShare);
      if (n === 0) continue;
      const isSwapped = best !== undefined && date === "%m/%d/%Y" && n === bestCount;
      if (isSwapped && best !== undefined) best = { ...best, isAmbiguous: true };
      if (n <= bestCount) continue;
      best = { format, isAmbiguous: false };
      bestCount = n;
    }
  }
  return best;
}

/** Texts that fit, or 0 as soon as too many do not. */
function countFitting(texts: readonly string[], format: string, minShare: number): number {
  const test = timeTest(format);
  if (test === undefined) return 0;
  const most = Math.floor(texts.length * (1 - minShare) + 1e-9);
  let misses = 0;
  for (const text of texts) if (!test(text) && ++misses > most) return 0;
  return texts.length - misses;
}
