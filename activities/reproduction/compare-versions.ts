import { canonicalJson } from "../../schemas/canonical-json.ts";
import { VERSION_FILES } from "../../schemas/models/model-version.ts";
import type { Evaluation } from "../../schemas/models/model-version.ts";
import { REPRODUCED_STAGES } from "../../schemas/runs/reproduction.ts";
import type { Reproduction } from "../../schemas/runs/reproduction.ts";

type Stage = (typeof REPRODUCED_STAGES)[number];
type ComparedFile = Reproduction["files"][number];

/** Which stage writes a file; what is not named here is made by evaluation. */
const STAGE_OF: Readonly<Record<string, Stage>> = {
  view: "transform",
  fitted: "transform",
  onnx: "train",
  explanation: "train",
};

export interface ComparedPair {
  readonly role: string;
  readonly recorded: { readonly sha256: string; readonly bytes: Uint8Array } | null;
  readonly reproduced: { readonly sha256: string; readonly bytes: Uint8Array } | null;
}

/** One file of both sides, by its bytes: the hashes are shown, and not trusted to be of them. */
export function compareFile({ role, recorded, reproduced }: ComparedPair): ComparedFile {
  const both = recorded !== null && reproduced !== null;
  const firstDifference = both ? differsAt(recorded.bytes, reproduced.bytes) : null;
  return {
    role,
    name: (VERSION_FILES as Readonly<Record<string, string>>)[role] ?? role,
    stage: STAGE_OF[role] ?? "evaluate",
    equal: both && firstDifference === null,
    recorded: recorded?.sha256 ?? null,
    reproduced: reproduced?.sha256 ?? null,
    firstDifference,
  };
}

/** Offset of the first byte that differs, the length of the shorter where it is the other's beginning; null: equal. */
function differsAt(a: Uint8Array, b: Uint8Array): number | null {
  if (Buffer.compare(a, b) === 0) return null;
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) if (a[i] !== b[i]) return i;
  return shorter;
}

/** Where a difference began: a stage is equal when its own files and figures are, whatever came before it. */
export function compareStages(
  files: readonly ComparedFile[],
  evaluations: { readonly recorded: Evaluation; readonly reproduced: Evaluation },
): Reproduction["stages"] {
  return REPRODUCED_STAGES.map((stage) => {
    const differing = [
      ...files.filter((file) => file.stage === stage && !file.equal).map(describeFile),
      ...differingFigures(stage, evaluations),
    ];
    const nFiles = files.filter((file) => file.stage === stage).length;
    const detail =
      differing.length === 0 ? `${nFiles} ${nFiles === 1 ? "file" : "files"} equal` : differing.join("; ");
    return { stage, equal: differing.length === 0, detail };
  });
}

function describeFile({ name, recorded, reproduced, firstDifference }: ComparedFile): string {
  if (recorded === null) return `${name} was not recorded`;
  if (reproduced === null) return `${name} was not made`;
  return `${name} differs from byte ${firstDifference}`;
}

function differingFigures(
  stage: Stage,
  { recorded, reproduced }: { readonly recorded: Evaluation; readonly reproduced: Evaluation },
): string[] {
  switch (stage) {
    case "transform":
      return [];
    case "train":
      return differingCandidates(recorded, reproduced);
    case "evaluate":
      return Object.keys({ ...recorded, ...reproduced })
        .filter((key) => key !== "candidates" && key !== "candidate")
        .filter((key) => {
          const name = key as keyof Evaluation;
          return textOf(recorded[name]) !== textOf(reproduced[name]);
        })
        .map((key) => `the evaluation's ${key} differ`);
  }
}

/** Cross-validation tells before the final model does whether training went another way. */
function differingCandidates(recorded: Evaluation, reproduced: Evaluation): string[] {
  const found: string[] = [];
  if (recorded.candidate !== reproduced.candidate)
    found.push(`${reproduced.candidate} was chosen instead of ${recorded.candidate}`);
  const cvOf = (evaluation: Evaluation, name: string) =>
    textOf(evaluation.candidates.find((candidate) => candidate.name === name)?.cv);
  const names = new Set([...recorded.candidates, ...reproduced.candidates].map(({ name }) => name));
  for (const name of names) {
    if (cvOf(recorded, name) !== cvOf(reproduced, name))
      found.push(`the cross-validation of ${name} differs`);
  }
  return found;
}

const textOf = (value: unknown): string => (value === undefined ? "" : canonicalJson(value));
