import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { jsonSchema } from "../../schemas/pipeline/parse.ts";
import { GENERATED_PAGES } from "../../scripts/pages/generated-pages.ts";
import { pipelineKeys } from "../../scripts/pages/pipeline-keys-page.ts";

/** The pages agree with the code, and with each other. */

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

test.each(Object.entries(GENERATED_PAGES))("%s says what the code says", (path, render) => {
  const message = `${path} is out of date: npm run docs writes it anew`;
  expect(readFileSync(join(ROOT, path), "utf8") === render(), message).toBe(true);
});

test("every key of the pipeline file has a meaning, and the guide names it", () => {
  const guide = readFileSync(join(ROOT, "docs/pipeline-file.md"), "utf8");
  const words = new Set(
    [...guide.matchAll(/```[\s\S]*?```|`[^`\n]+`/g)].flatMap(([code]) => code.match(/\w+/g)),
  );
  const keys = pipelineKeys(jsonSchema());
  expect(keys.filter((key) => key.meaning === "").map((key) => key.path)).toEqual([]);
  expect(keys.map((key) => key.path).filter((path) => !words.has(lastWord(path)))).toEqual([]);
});

const lastWord = (path: string): string => /\w+$/.exec(path)?.[0] ?? path;

test("docs/cli.md has every command and subcommand", () => {
  const page = readFileSync(join(ROOT, "docs/cli.md"), "utf8");
  const rows = page.split("\n").filter((line) => line.startsWith("| `aura "));
  const missing = readdirSync(join(ROOT, "cli/commands"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"))
    .flatMap((path) => {
      const text = readFileSync(join(ROOT, "cli/commands", path), "utf8");
      const [top = path, ...below] = [...text.matchAll(/\.command\("([\w-]+)"/g)].map(
        (match) => match[1] ?? "",
      );
      const own = rows
        .map((row) => row.split("|")[1] ?? "")
        .filter((cell) => new RegExp(`\\b${top}\\b`).test(cell));
      const isListed = (name: string): boolean => own.some((cell) => new RegExp(`\\b${name}\\b`).test(cell));
      return [top, ...below].filter((name) => !isListed(name)).map((name) => `${top} ${name}`);
    });
  expect(missing).toEqual([]);
});

const pages = [
  ...["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].filter((page) => existsSync(join(ROOT, page))),
  ...["docs", "examples"].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
      // An example's installed packages have pages of their own.
      .filter((path) => path.endsWith(".md") && !path.includes(".venv"))
      .map((path) => join(folder, path)),
  ),
];

test.each(pages)("%s: every link inside the repository leads somewhere", (page) => {
  const text = readFileSync(join(ROOT, page), "utf8").replaceAll(/```[\s\S]*?```/g, "");
  const targets = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map((match) => match[1] ?? "");
  const dead = targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => !existsSync(resolve(ROOT, dirname(page), target)));
  expect(dead, relative(ROOT, page)).toEqual([]);
});

test("every page of docs/ can be reached from its index", () => {
  const index = readFileSync(join(ROOT, "docs/README.md"), "utf8");
  const unlisted = pages
    .filter((page) => page.startsWith("docs/") && page !== "docs/README.md")
    .map((page) => relative("docs", page))
    .filter((page) => !index.includes(`(${page})`));
  expect(unlisted).toEqual([]);
});
