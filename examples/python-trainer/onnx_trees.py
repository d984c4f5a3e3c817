"""LightGBM's trees as an ONNX graph in the form that AURA serves.

The graph has one input `features`, double [N, n], and one output: `value`, `probability` or `probabilities`. Thresholds
and leaf values stay doubles (the `*_as_tensor` attributes of ai.onnx.ml 3); in the float32 of the usual converters, rows
near a threshold fall into other leaves.
"""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

OUTPUT = {"regression": "value", "binary": "probability", "multiclass": "probabilities"}


def to_onnx(booster, problem: str, n_classes: int) -> bytes:
    """Serialises a booster; the same booster gives the same bytes."""
    dump = booster.dump_model()
    n_targets = n_classes if problem == "multiclass" else 1
    lists = _TreeLists(n_targets)
    for number, tree in enumerate(dump["tree_info"]):
        lists.add(number, tree["tree_structure"], number % n_targets)
    output = OUTPUT[problem]
    nodes = [
        helper.make_node(
            "TreeEnsembleRegressor", ["features"], ["sum"], domain="ai.onnx.ml", **lists.attributes()
        ),
        helper.make_node("Cast", ["sum"], ["raw"], to=TensorProto.DOUBLE),
    ]
    last = {"regression": "Identity", "binary": "Sigmoid", "multiclass": "Softmax"}[problem]
    options = {"axis": 1} if last == "Softmax" else {}
    nodes.append(helper.make_node(last, ["raw"], [output], **options))
    n_features = dump["max_feature_idx"] + 1
    graph = helper.make_graph(
        nodes,
        "lightgbm",
        [helper.make_tensor_value_info("features", TensorProto.DOUBLE, ["N", n_features])],
        [helper.make_tensor_value_info(output, TensorProto.DOUBLE, ["N", n_targets])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="python-trainer")
    return model.SerializeToString(deterministic=True)


class _TreeLists:
    """The parallel lists of a TreeEnsembleRegressor: one entry per node, or per leaf."""

    def __init__(self, n_targets: int):
        self.n_targets = n_targets
        self.nodes = []
        self.leaves = []

    def add(self, tree: int, root: dict, target: int) -> None:
        # Without recursion: a leaf-wise tree may be deeper than Python's stack. The root has to be node 0.
        ids = {id(root): 0}
        order = [root]
        for node in order:
            for side in ("left_child", "right_child"):
                if side in node:
                    ids[id(node[side])] = len(order)
                    order.append(node[side])
        for number, node in enumerate(order):
            if "leaf_value" in node:
                self.nodes.append((tree, number, 0, "LEAF", 0.0, 0, 0, 0))
                self.leaves.append((tree, number, target, node["leaf_value"]))
                continue
            if node["decision_type"] != "<=":
                raise ValueError(f"tree {tree}: splits must be numeric, got {node['decision_type']}")
            threshold = node["threshold"]
            # Where training saw no missing value, LightGBM takes one for 0.
            missing_left = node["default_left"] if node["missing_type"] == "NaN" else 0.0 <= threshold
            left, right = ids[id(node["left_child"])], ids[id(node["right_child"])]
            feature = node["split_feature"]
            self.nodes.append(
                (tree, number, feature, "BRANCH_LEQ", threshold, left, right, int(missing_left))
            )

    def attributes(self) -> dict:
        tree, number, feature, mode, threshold, left, right, missing = map(list, zip(*self.nodes))
        leaf_tree, leaf_node, leaf_target, weight = map(list, zip(*self.leaves))
        return {
            "aggregate_function": "SUM",
            "n_targets": self.n_targets,
            "post_transform": "NONE",
            "nodes_treeids": tree,
            "nodes_nodeids": number,
            "nodes_featureids": feature,
            "nodes_modes": mode,
            "nodes_values_as_tensor": _doubles("nodes_values_as_tensor", threshold),
            "nodes_truenodeids": left,
            "nodes_falsenodeids": right,
            "nodes_missing_value_tracks_true": missing,
            "target_treeids": leaf_tree,
            "target_nodeids": leaf_node,
            "target_ids": leaf_target,
            "target_weights_as_tensor": _doubles("target_weights_as_tensor", weight),
        }


def _doubles(name: str, values: list) -> TensorProto:
    return numpy_helper.from_array(np.asarray(values, dtype=np.float64), name)
