/**
 * Checks the inside of a TreeEnsembleRegressor or TreeEnsembleClassifier: parallel lists that a runtime indexes with their own
 * contents. Every list must have its right length, every id must point where it may, and the nodes of
 * each tree must all be reached from its first node, without a cycle and no deeper than a recursing loader
 * can bear. Only tests of equality may share a child: that is how a test of several codes is written.
 *
 * Memory: a few Int32Arrays as long as the lists, which are no longer than the file. Time: O(nodes).
 */
import { ATTRIBUTE_SHAPE, NODE_SHAPE, TENSOR_SHAPE } from "./message-shapes.ts";
import { ModelRefusedError } from "./model-refused-error.ts";
import type { WireField, WireRange, WireReader } from "./wire-reader.ts";

const CLASSIFIER = "TreeEnsembleClassifier";
const MAX_NAME_BYTES = 1024;
/** More do not fit a file of the default size. */
const MAX_TREE_NODES = 8_000_000;
/** Loaders walk trees by recursion. */
const MAX_TREE_DEPTH = 5000;
const MAX_TARGETS = 10_000;
const MAX_ID = 2 ** 31 - 1;

/** Attributes that hold integers, one per node or per leaf output. */
const INTEGER_LISTS = [
  "nodes_treeids",
  "nodes_nodeids",
  "nodes_featureids",
  "nodes_truenodeids",
  "nodes_falsenodeids",
  "nodes_missing_value_tracks_true",
  "target_treeids",
  "target_nodeids",
  "target_ids",
] as const;
/** Attributes that hold reals: as floats, or as a tensor under the name with `_as_tensor`. */
const REAL_LISTS = ["nodes_values", "nodes_hitrates", "target_weights", "base_values"] as const;

const NODE_MODES = ["LEAF", "BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"];
const MODE_BYTES = NODE_MODES.map((mode) => Buffer.from(mode));
const LEAF = 0;
const EQUALS = NODE_MODES.indexOf("BRANCH_EQ");
const AGGREGATES = ["SUM", "AVERAGE", "MIN", "MAX"];
const POST_TRANSFORMS = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"];

type IntegerList = (typeof INTEGER_LISTS)[number];
type RealList = (typeof REAL_LISTS)[number];

interface TreeLists {
  readonly integers: Readonly<Record<IntegerList, Int32Array>>;
  /** Lengths; −1 where absent. */
  readonly reals: Readonly<Record<RealList, number>>;
  /** Index into NODE_MODES per node. */
  readonly modes: Uint8Array;
  readonly nTargets: number;
  readonly hasTextLabels: boolean;
}

/** Operators whose insides are checked here. */
export const TREE_OPERATORS: ReadonlySet<string> = new Set(["TreeEnsembleRegressor", CLASSIFIER]);

export interface CheckedTrees {
  /** One more than the largest feature that a branch reads: the columns its input must have. */
  readonly nColumns: number;
  /** Classes are named by texts, which are no tensors that are served. */
  readonly hasTextLabels: boolean;
}

/**
 * @param node bytes of the NodeProto
 * @param operator one of TREE_OPERATORS
 * @throws {ModelRefusedError} for lists that do not describe trees
 */
export function checkTreeLists(reader: WireReader, node: WireRange, operator: string): CheckedTrees {
  const isClassifier = operator === CLASSIFIER;
  const lists = new TreeListReader(reader, isClassifier).read(node);
  const { integers, reals, modes, nTargets } = lists;
  const nNodes = modes.length;
  if (nNodes === 0) throw refused("has no nodes");
  const { nodes_missing_value_tracks_true: tracks } = integers;
  for (const name of INTEGER_LISTS) {
    if (name.startsWith("nodes_") && name !== "nodes_missing_value_tracks_true") {
      expectLength(name, integers[name].length, nNodes);
    }
  }
  if (tracks.length > 0) expectLength("nodes_missing_value_tracks_true", tracks.length, nNodes);
  if (!tracks.every((value) => value <= 1)) throw refused("nodes_missing_value_tracks_true holds not 0 or 1");
  expectLength("nodes_values", reals.nodes_values, nNodes);
  if (reals.nodes_hitrates > 0) expectLength("nodes_hitrates", reals.nodes_hitrates, nNodes);
  if (isClassifier && nTargets < 2) throw refused("has no labels, or one");
  // Of two classes one number may stand for both.
  const isOfOne = isClassifier && nTargets === 2 && reals.base_values === 1;
  if (reals.base_values > 0 && !isOfOne) expectLength("base_values", reals.base_values, nTargets);
  const nOutputs = integers.target_ids.length;
  expectLength("target_treeids", integers.target_treeids.length, nOutputs);
  expectLength("target_nodeids", integers.target_nodeids.length, nOutputs);
  expectLength("target_weights", reals.target_weights, nOutputs);
  if (!integers.target_ids.every((id) => id < nTargets))
    throw refused(`target_ids exceed ${nTargets} targets`);
  return { nColumns: new TreeShapes(lists).check(), hasTextLabels: lists.hasTextLabels };
}

function expectLength(name: string, found: number, expected: number): void {
  if (found !== expected) throw refused(`${name} must have ${expected} entries, got ${Math.max(0, found)}`);
}

function refused(reason: string): ModelRefusedError {
  return new ModelRefusedError(`a tree ensemble ${reason}`);
}

/** Reads the attributes of one node; whatever is not known is refused. */
class TreeListReader {
  readonly #reader: WireReader;
  readonly #integers = new Map<string, Int32Array>();
  readonly #reals = new Map<string, number>();
  readonly #isClassifier: boolean;
  #modes = new Uint8Array(0);
  #nTargets = 1;
  #hasTextLabels = false;

  constructor(reader: WireReader, isClassifier: boolean) {
    this.#reader = reader;
    this.#isClassifier = isClassifier;
  }

  read(node: WireRange): TreeLists {
    const seen = new Set<string>();
    this.#reader.readMessage(node, NODE_SHAPE, "node", (field) => {
      if (field.name !== "attribute") return;
      const name = this.#nameOf(field);
      const list = name.replace("classlabels_strings", "classlabels_int64s");
      if (seen.has(list)) throw refused(`has ${list} twice`);
      seen.add(list);
      if (this.#isClassifier) this.#readOfClassifier(name, field);
      else this.#readAttribute(name, field);
    });
    const integersOf = (name: IntegerList) => this.#integers.get(name) ?? new Int32Array(0);
    const lengthOf = (name: RealList) => this.#reals.get(name) ?? -1;
    return {
      integers: {
        nodes_treeids: integersOf("nodes_treeids"),
        nodes_nodeids: integersOf("nodes_nodeids"),
        nodes_featureids: integersOf("nodes_featureids"),
        nodes_truenodeids: integersOf("nodes_truenodeids"),
        nodes_falsenodeids: integersOf("nodes_falsenodeids"),
        nodes_missing_value_tracks_true: integersOf("nodes_missing_value_tracks_true"),
        target_treeids: integersOf("target_treeids"),
        target_nodeids: integersOf("target_nodeids"),
        target_ids: integersOf("target_ids"),
      },
      reals: {
        nodes_values: lengthOf("nodes_values"),
        nodes_hitrates: lengthOf("nodes_hitrates"),
        target_weights: lengthOf("target_weights"),
        base_values: lengthOf("base_values"),
      },
      modes: this.#modes,
      nTargets: this.#nTargets,
      hasTextLabels: this.#hasTextLabels,
    };
  }

  #nameOf(attribute: WireRange): string {
    let name = "";
    this.#reader.readMessage(attribute, ATTRIBUTE_SHAPE, "attribute", (field) => {
      if (field.name === "name") name = this.#reader.readText(field, "attribute name", MAX_NAME_BYTES);
    });
    return name;
  }

  /** A classifier's outputs are its labels; their lists have names of their own. */
  #readOfClassifier(name: string, range: WireRange): void {
    if (name === "classlabels_int64s" || name === "classlabels_strings") {
      this.#hasTextLabels = name === "classlabels_strings";
      this.#nTargets = this.#count(range, this.#hasTextLabels ? "strings" : "ints");
      if (this.#nTargets > MAX_TARGETS) throw refused(`has more than ${MAX_TARGETS} labels`);
    } else if (name.startsWith("target_") || name === "n_targets" || name === "aggregate_function")
      throw refused(`has an unknown attribute ${JSON.stringify(name)}`);
    else this.#readAttribute(name.replace(/^class_/, "target_"), range);
  }

  #readAttribute(name: string, range: WireRange): void {
    const real = REAL_LISTS.find((list) => name === list || name === `${list}_as_tensor`);
    if (INTEGER_LISTS.some((list) => list === name))
      this.#integers.set(name, this.#readIntegers(name, range));
    else if (real !== undefined) {
      if (this.#reals.has(real)) throw refused(`has ${real} both as floats and as a tensor`);
      this.#reals.set(real, name === real ? this.#countFloats(range) : this.#countTensor(name, range));
    } else if (name === "nodes_modes") this.#modes = this.#readModes(range);
    else if (name === "n_targets") this.#nTargets = this.#readTargets(range);
    else if (name === "aggregate_function") this.#expectWord(name, range, AGGREGATES);
    else if (name === "post_transform") this.#expectWord(name, range, POST_TRANSFORMS);
    else throw refused(`has an unknown attribute ${JSON.stringify(name)}`);
  }

  #readIntegers(name: string, range: WireRange): Int32Array {
    const list = new Int32Array(this.#count(range, "ints"));
    let at = 0;
    this.#eachField(range, "ints", (field) => {
      this.#reader.readIntegers(field, name, (value) => {
        if (!(value >= 0 && value <= MAX_ID)) throw refused(`${name} holds ${value}`);
        list[at++] = value;
      });
    });
    return list;
  }

  #readModes(range: WireRange): Uint8Array<ArrayBuffer> {
    const modes = new Uint8Array(this.#count(range, "strings"));
    let at = 0;
    this.#eachField(range, "strings", (field) => {
      const mode = modeAt(this.#reader.bytes, field);
      if (mode < 0) throw refused("has an unknown mode in nodes_modes");
      modes[at++] = mode;
    });
    return modes;
  }

  #count(range: WireRange, kind: "ints" | "strings"): number {
    let count = 0;
    this.#eachField(range, kind, (field) => {
      count += kind === "ints" ? this.#reader.countNumbers(field, "integers") : 1;
    });
    if (count > MAX_TREE_NODES) throw refused(`has more than ${MAX_TREE_NODES} nodes`);
    return count;
  }

  #countFloats(range: WireRange): number {
    let count = 0;
    this.#eachField(range, "floats", (field) => {
      count += this.#reader.countNumbers(field, "reals32");
    });
    return count;
  }

  /** Elements of a tensor of one dimension; that it holds them is checked with all other tensors. */
  #countTensor(name: string, range: WireRange): number {
    const dims: number[] = [];
    this.#eachField(range, "t", (tensor) => {
      this.#reader.readMessage(tensor, TENSOR_SHAPE, name, (field) => {
        if (field.name === "dims") this.#reader.readIntegers(field, name, (size) => dims.push(size));
      });
    });
    if (dims.length !== 1) throw refused(`${name} must have one dimension, got ${dims.length}`);
    return dims[0];
  }

  #readTargets(range: WireRange): number {
    let nTargets = 0;
    this.#eachField(range, "i", (field) => {
      nTargets = field.value;
    });
    if (!(nTargets >= 1 && nTargets <= MAX_TARGETS)) {
      throw refused(`n_targets must be in 1 … ${MAX_TARGETS}, got ${nTargets}`);
    }
    return nTargets;
  }

  #expectWord(name: string, range: WireRange, words: readonly string[]): void {
    let word = "";
    this.#eachField(range, "s", (field) => {
      word = this.#reader.readText(field, name, MAX_NAME_BYTES);
    });
    if (!words.includes(word)) throw refused(`${name} must be one of ${words.join(", ")}`);
  }

  /** Calls `visit` for the fields that hold the value, and refuses values of another kind. */
  #eachField(attribute: WireRange, kind: string, visit: (field: WireField) => void): void {
    this.#reader.readMessage(attribute, ATTRIBUTE_SHAPE, "attribute", (field) => {
      if (field.name === kind) visit(field);
      else if (!["name", "type", "doc_string"].includes(field.name)) {
        throw refused(`has an attribute of kind ${field.name} where ${kind} is expected`);
      }
    });
  }
}

/** Walks the trees, which must be listed one after the other. */
class TreeShapes {
  readonly #lists: TreeLists;
  /** Place of node id i of the tree walked, less the tree's first place; −1 for none. */
  readonly #placeOf: Int32Array;
  readonly #depth: Int32Array;
  readonly #nParents: Int32Array;
  readonly #isShareable: Uint8Array;
  readonly #stack: Int32Array;
  /** First place of each tree by its id, and how many nodes it has. */
  readonly #trees = new Map<number, { readonly begin: number; readonly end: number }>();

  constructor(lists: TreeLists) {
    this.#lists = lists;
    this.#placeOf = new Int32Array(lists.modes.length);
    this.#depth = new Int32Array(lists.modes.length);
    this.#nParents = new Int32Array(lists.modes.length);
    this.#isShareable = new Uint8Array(lists.modes.length);
    this.#stack = new Int32Array(lists.modes.length + 1);
  }

  check(): number {
    const { nodes_treeids: treeIds } = this.#lists.integers;
    for (let begin = 0; begin < treeIds.length;) {
      let end = begin + 1;
      while (end < treeIds.length && treeIds[end] === treeIds[begin]) end += 1;
      if (this.#trees.has(treeIds[begin])) throw refused(`lists tree ${treeIds[begin]} in two places`);
      this.#trees.set(treeIds[begin], { begin, end });
      this.#index(begin, end);
      this.#walk(begin, end);
      begin = end;
    }
    this.#checkTargets();
    return this.#countColumns();
  }

  /** Node ids of a tree must be 0 … k − 1 in any order. */
  #index(begin: number, end: number): void {
    const { nodes_nodeids: nodeIds } = this.#lists.integers;
    this.#placeOf.fill(-1, begin, end);
    for (let place = begin; place < end; place++) {
      const id = nodeIds[place];
      if (id >= end - begin) throw refused(`has node id ${id} in a tree of ${end - begin} nodes`);
      if (this.#placeOf[begin + id] >= 0) throw refused(`has node id ${id} twice in a tree`);
      this.#placeOf[begin + id] = place;
    }
  }

  /** Every node is reached from the first one, after all its parents: no cycle, no stray node. */
  #walk(begin: number, end: number): void {
    const { modes } = this.#lists;
    const nParents = this.#countParents(begin, end);
    const depth = this.#depth.fill(0, begin, end);
    const stack = this.#stack;
    if (nParents[begin] > 0) throw refused("has a cycle");
    stack[0] = begin;
    let nReached = 1;
    for (let top = 1; top > 0;) {
      const place = stack[--top];
      if (modes[place] === LEAF) continue;
      for (const child of this.#childrenOf(place, begin)) {
        depth[child] = Math.max(depth[child], depth[place] + 1);
        if (depth[child] > MAX_TREE_DEPTH) throw refused(`has a tree deeper than ${MAX_TREE_DEPTH} levels`);
        nParents[child] -= 1;
        if (nParents[child] > 0) continue;
        stack[top++] = child;
        nReached += 1;
      }
    }
    if (nReached !== end - begin) throw refused("has a node that is never reached, or a cycle");
  }

  #childrenOf(place: number, begin: number): readonly [number, number] {
    const { nodes_truenodeids: whenTrue, nodes_falsenodeids: whenFalse } = this.#lists.integers;
    return [this.#placeOf[begin + whenTrue[place]], this.#placeOf[begin + whenFalse[place]]];
  }

  /** Parents of each node of a tree; more than one only where all of them test for equality. */
  #countParents(begin: number, end: number): Int32Array {
    const { modes, integers } = this.#lists;
    const nParents = this.#nParents.fill(0, begin, end);
    const isShareable = this.#isShareable.fill(1, begin, end);
    for (let place = begin; place < end; place++) {
      if (modes[place] === LEAF) continue;
      for (const children of [integers.nodes_truenodeids, integers.nodes_falsenodeids]) {
        const id = children[place];
        if (id >= end - begin) throw refused(`has a child ${id} in a tree of ${end - begin} nodes`);
        const child = this.#placeOf[begin + id];
        nParents[child] += 1;
        if (modes[place] !== EQUALS) isShareable[child] = 0;
        if (nParents[child] > 1 && isShareable[child] === 0)
          throw refused("has a node that is reached twice");
      }
    }
    return nParents;
  }

  #checkTargets(): void {
    const { modes, integers } = this.#lists;
    for (let index = 0; index < integers.target_ids.length; index++) {
      const tree = this.#trees.get(integers.target_treeids[index]);
      const id = integers.target_nodeids[index];
      if (tree === undefined || id >= tree.end - tree.begin)
        throw refused("has an output of a node that is not there");
      if (modes[this.#placeOf[tree.begin + id]] !== LEAF)
        throw refused("has an output of a node that is no leaf");
    }
  }

  #countColumns(): number {
    const { modes, integers } = this.#lists;
    let nColumns = 0;
    for (let place = 0; place < modes.length; place++) {
      if (modes[place] !== LEAF) nColumns = Math.max(nColumns, integers.nodes_featureids[place] + 1);
    }
    return nColumns;
  }
}

/** Index of the mode that a field holds, by its bytes: a text for each node takes longer than all else of a file. @returns −1: none */
function modeAt(bytes: Uint8Array, { begin, end }: WireRange): number {
  return MODE_BYTES.findIndex(
    (mode) => mode.length === end - begin && mode.every((byte, i) => bytes[begin + i] === byte),
  );
}
