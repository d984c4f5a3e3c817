import type { GateResult } from "../schemas/models/model-version.ts";

/** What CI systems show as one suite of tests. */
export interface JunitSuite {
  readonly name: string;
  readonly cases: readonly GateResult[];
}

/** A suite as the JUnit XML that CI systems read: a gate is a test case. */
export function junitOf({ name, cases }: JunitSuite): string {
  const failures = cases.filter(({ passed }) => !passed).length;
  const lines = cases.map((one) => caseOf(name, one));
  const counts = `tests="${cases.length}" failures="${failures}"`;
  return [
    `<?xml version="1.0" encoding="UTF-8"?>`,
    `<testsuites ${counts}>`,
    `  <testsuite name="${escape(name)}" ${counts} errors="0" skipped="0">`,
    ...lines,
    `  </testsuite>`,
    `</testsuites>`,
    ``,
  ].join("\n");
}

function caseOf(suite: string, { name, passed, detail }: GateResult): string {
  const opening = `    <testcase classname="${escape(suite)}" name="${escape(name)}"`;
  if (passed) return `${opening}><system-out>${escape(detail)}</system-out></testcase>`;
  return `${opening}><failure message="${escape(detail)}"/></testcase>`;
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** XML has no place for control characters, nor for half of a surrogate pair. */
function escape(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[&<>"]/g, (sign) => ENTITIES[sign] ?? sign)
    .replaceAll(/[\p{Cc}\uFFFE\uFFFF]/gu, " ");
}
