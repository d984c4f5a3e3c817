import { describe, expect, it } from "vitest";
import { junitOf } from "./junit.ts";

describe("junitOf", () => {
  it("has a test case for each gate, and says of a failed one why", () => {
    const cases = [
      { name: "rocAuc on test", passed: true, detail: "0.9 >= 0.8" },
      { name: 'champion @1 "old" <&>', passed: false, detail: "no better\u0000\n& <worse>" },
    ];
    expect(junitOf({ name: "pumps@2", cases })).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="2" failures="1">
  <testsuite name="pumps@2" tests="2" failures="1" errors="0" skipped="0">
    <testcase classname="pumps@2" name="rocAuc on test"><system-out>0.9 &gt;= 0.8</system-out></testcase>
    <testcase classname="pumps@2" name="champion @1 &quot;old&quot; &lt;&amp;&gt;"><failure message="no better  &amp; &lt;worse&gt;"/></testcase>
  </testsuite>
</testsuites>
`);
  });

  it("is a suite without tests where there is no gate", () => {
    expect(junitOf({ name: "pumps@2", cases: [] })).toContain('tests="0" failures="0"');
  });
});
