"""Makes networks.json: small nets node by node as PyTorch's exporter writes them, with what ONNX Runtime answers.

PyTorch itself is 200 MB; the patterns (sizes by Shape, Gather and Concat; Expand by Where and Equal) are those of
torch.onnx.export with dynamic_axes. Run: python networks.py
"""

import base64
import json
from pathlib import Path

import numpy as np
import onnxruntime
from onnx import TensorProto, ValueInfoProto, checker, helper, numpy_helper

SEED = 20261121
ROWS = 7


class Net:
    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.nodes = []
        self.constants = []

    def node(self, op, *inputs, outputs=1, **attributes):
        names = [f"{op}_{len(self.nodes)}_{n}" for n in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, values, dtype=np.int64):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype=dtype), name))
        return name

    def weights(self, *shape):
        return self.constant(self.random.normal(size=shape) / np.sqrt(shape[-1]), np.float32)

    def rows(self, tensor):
        """A list of one: how many rows a tensor has, as x.size(0) is written."""
        size = self.node("Gather", self.node("Shape", tensor), self.constant(0), axis=0)
        return self.node("Unsqueeze", size, self.constant([0]))

    def finish(self, shape, output, width, opset=17, more=""):
        value = helper.make_tensor_value_info
        graph = helper.make_graph(
            self.nodes, "main_graph",
            [value("input", TensorProto.FLOAT, ["batch", *shape])],
            [value("output", TensorProto.FLOAT, ["batch", *width])],
            self.constants,
        )
        graph.node.append(helper.make_node("Identity", [output], ["output"]))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="pytorch")
        model.ir_version = 8
        checker.check_model(model)
        window = self.random.normal(size=(ROWS, *shape)).astype(np.float32)
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        (answers,) = session.run(None, {"input": window})
        return {
            "onnx": base64.b64encode(model.SerializeToString()).decode(),
            "rows": window.astype(np.float64).reshape(ROWS, -1).tolist(),
            "answers": np.round(answers.astype(np.float64).reshape(ROWS, -1), 9).tolist(),
            "labels": [],
            "shapes": {str(n): shapes(model, window[:n]) for n in (1, 4)},
        }


def shapes(model, window):
    """The shape of every tensor that is made on the way."""
    names = [name for node in model.graph.node for name in node.output if name and name != "output"]
    whole = type(model).FromString(model.SerializeToString())
    whole.graph.output.extend(ValueInfoProto(name=name) for name in names)
    session = onnxruntime.InferenceSession(whole.SerializeToString(), providers=["CPUExecutionProvider"])
    return {name: list(made.shape) for name, made in zip(names, session.run(names, {"input": window}))}


def lstm(seed):
    """nn.LSTM(2, 3, num_layers=1, batch_first=True), last step, Linear, sigmoid; zeros expanded to the batch."""
    net = Net(seed)
    rows = net.rows("input")
    wanted = net.node("Concat", net.constant([1]), rows, net.constant([3]), axis=0)
    ones = net.node("ConstantOfShape", net.constant([3]), value=helper.make_tensor("v", TensorProto.INT64, [1], [1]))
    free = net.node("Equal", wanted, net.node("Mul", ones, net.constant(-1)))
    sizes = net.node("Where", free, ones, wanted)
    state = net.node("Expand", net.constant(np.zeros((1, 1, 3)), np.float32), sizes)
    cell = net.node("ConstantOfShape", wanted, value=helper.make_tensor("v", TensorProto.FLOAT, [1], [0.0]))
    steps = net.node("Transpose", "input", perm=[1, 0, 2])
    all_steps, _, _ = net.node(
        "LSTM", steps, net.weights(1, 12, 2), net.weights(1, 12, 3), net.weights(1, 24), "", state, cell,
        outputs=3, hidden_size=3,
    )
    by_row = net.node("Transpose", net.node("Squeeze", all_steps, net.constant([1])), perm=[1, 0, 2])
    last = net.node("Gather", by_row, net.constant(-1), axis=1)
    return net.finish([5, 2], net.node("Sigmoid", net.node("Gemm", last, net.weights(1, 3), net.weights(1), transB=1)), [1])


def recurrent(seed):
    """A bidirectional GRU and an RNN on its steps; the mean over time as three probabilities."""
    net = Net(seed)
    steps = net.node("Transpose", "input", perm=[1, 0, 2])
    both, _ = net.node("GRU", steps, net.weights(2, 9, 2), net.weights(2, 9, 3), net.weights(2, 18),
                       outputs=2, hidden_size=3, direction="bidirectional", linear_before_reset=1)
    joined = net.node("Reshape", net.node("Transpose", both, perm=[0, 2, 1, 3]), net.constant([0, 0, -1]))
    plain, _ = net.node("RNN", joined, net.weights(1, 3, 6), net.weights(1, 3, 3), net.weights(1, 6), outputs=2, hidden_size=3)
    mean = net.node("ReduceMean", net.node("Squeeze", plain, net.constant([1])), axes=[0], keepdims=0)
    return net.finish([4, 2], net.node("Softmax", mean, axis=-1), [3])


def convolution(seed):
    """Conv1d, batch norm, leaky, pooling twice, pads; flattened by x.view(x.size(0), -1)."""
    net = Net(seed)
    padded = net.node("Pad", "input", net.constant([0, 0, 1, 0, 0, 1]), net.constant(0.0, np.float32), mode="reflect")
    first = net.node("Conv", padded, net.weights(4, 2, 3), net.weights(4), kernel_shape=[3], pads=[1, 1], strides=[1])
    positive = net.constant([1, 2, 0.5, 1], np.float32)
    normal = net.node("BatchNormalization", first, positive, net.weights(4), net.weights(4), positive)
    pooled = net.node("MaxPool", net.node("LeakyRelu", normal, alpha=0.1), kernel_shape=[2], strides=[2], dilations=[2], ceil_mode=1)
    grouped = net.node("Conv", pooled, net.weights(4, 1, 2), kernel_shape=[2], group=4, auto_pad="SAME_UPPER")
    average = net.node("AveragePool", net.node("Elu", grouped), kernel_shape=[2])
    best = net.node("GlobalMaxPool", average)
    mean = net.node("GlobalAveragePool", average)
    flat = net.node("Concat", net.rows(best), net.constant([-1]), axis=0)
    features = net.node("Concat", net.node("Reshape", best, flat), net.node("Flatten", mean), axis=1)
    scores = net.node("Gemm", features, net.weights(3, 8), net.weights(3), transB=1)
    return net.finish([2, 9], net.node("LogSoftmax", scores, axis=1), [3])


def autoencoder(seed):
    """Convolutions down and up again; the mean squared error of a window."""
    net = Net(seed)
    code = net.node("Selu", net.node("Conv", "input", net.weights(3, 2, 3), strides=[2], kernel_shape=[3]))
    norm = net.node("InstanceNormalization", code, net.weights(3), net.weights(3))
    back = net.node("ConvTranspose", norm, net.weights(3, 2, 3), strides=[2], kernel_shape=[3], output_padding=[1])
    error = net.node("Sub", "input", net.node("Slice", back, net.constant([0]), net.constant([8]), net.constant([2])))
    squares = net.node("ReduceSumSquare", error, axes=[1, 2], keepdims=0)
    return net.finish([2, 8], net.node("Reciprocal", net.node("Softplus", squares)), [])


def attention(seed):
    """A transformer's block of two heads, heads cut by sizes of the tensor itself, GELU by Erf."""
    net = Net(seed)
    position = net.node("Add", "input", net.weights(1, 6, 4))
    triple = net.node("Add", net.node("MatMul", position, net.weights(4, 12)), net.weights(12))
    heads = []
    for part in net.node("Split", triple, net.constant([4, 4, 4]), outputs=3, axis=-1):
        wanted = net.node("Concat", net.rows(part), net.constant([6]), net.constant([2]), net.constant([2]), axis=0)
        heads.append(net.node("Transpose", net.node("Reshape", part, wanted), perm=[0, 2, 1, 3]))
    query, key, value = heads
    weight = net.node("Softmax", net.node("Einsum", query, key, equation="bhqd,bhkd->bhqk"), axis=-1)
    mixed = net.node("Transpose", net.node("MatMul", weight, value), perm=[0, 2, 1, 3])
    joined = net.node("Reshape", mixed, net.node("Concat", net.rows(mixed), net.constant([-1]), net.constant([4]), axis=0))
    normal = net.node("LayerNormalization", net.node("Add", joined, position), net.weights(4), net.weights(4), axis=-1)
    half = net.constant(0.5, np.float32)
    erf = net.node("Erf", net.node("Div", normal, net.constant(np.sqrt(2), np.float32)))
    gelu = net.node("Mul", net.node("Mul", normal, half), net.node("Add", erf, net.constant(1, np.float32)))
    tokens = net.node("Expand", net.weights(1, 1, 4),
                      net.node("Concat", net.rows("input"), net.constant([1, 1]), axis=0))
    seen = net.node("ReduceMean", net.node("Concat", tokens, gelu, axis=1), axes=[1], keepdims=0)
    return net.finish([6, 4], net.node("Sigmoid", net.node("MatMul", seen, net.weights(4, 1))), [1])


def arithmetic(seed):
    """What else exporters write, one after the other."""
    net = Net(seed)
    x = "input"
    for op in ("HardSigmoid", "HardSwish", "Softsign", "Mish", "Celu", "ThresholdedRelu", "Sin", "Cos", "Gelu"):
        x = net.node("Sum", x, net.node(op, x), net.constant([0.1], np.float32))
    x = net.node("PRelu", x, net.constant([0.2], np.float32))
    x = net.node("Dropout", net.node("CumSum", x, net.constant(1)))
    best, _ = net.node("TopK", x, net.constant([3]), outputs=2, axis=1)
    tiled = net.node("Tile", best, net.constant([1, 2]))
    places = net.node("Range", net.constant(0.0, np.float32), net.constant(6.0, np.float32), net.constant(1.0, np.float32))
    shifted = net.node("Mean", tiled, net.node("Mod", places, net.constant(4.0, np.float32), fmod=1))
    isHigh = net.node("Greater", shifted, places)
    flipped = net.node("Xor", isHigh, net.node("Not", isHigh))
    signed = net.node("Mul", net.node("Sign", shifted), net.node("Cast", flipped, to=TensorProto.FLOAT))
    squares = net.node("Reshape", signed, net.constant([0, 6, 1, 1]))
    blocks = net.node("DepthToSpace", net.node("Pad", squares, net.constant([0, 1, 0, 0, 0, 1, 0, 0])), blocksize=2)
    flat = net.node("Flatten", net.node("SpaceToDepth", blocks, blocksize=2))
    parts = [net.node(op, flat, net.constant([1]), keepdims=1)
             for op in ("ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp")]
    indices = net.node("ArgMax", flat, axis=1)
    parts.append(net.node("GatherElements", flat, indices, axis=1))
    return net.finish([6], net.node("ReduceSum", net.node("Concat", *parts, axis=1), net.constant([1])), [1], opset=20)


def main():
    nets = {f.__name__: f(SEED + n) for n, f in enumerate((lstm, recurrent, convolution, autoencoder, attention, arithmetic))}
    lines = [f"{json.dumps(key)}: {json.dumps(fixture)}" for key, fixture in nets.items()]
    (Path(__file__).parent / "networks.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
