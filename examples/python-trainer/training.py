"""LightGBM on the rows that AURA hands over. Knows nothing of Temporal or HTTP."""

import lightgbm as lgb
import numpy as np

OBJECTIVE = {"regression": "regression", "binary": "binary", "multiclass": "multiclass"}
EARLY_STOPPING_ROUNDS = 50


def train(table, features: list, request: dict, on_iteration):
    """Trains on a pyarrow table.

    `features` are the physical names of the feature columns in the order of the model's input. Rows marked `__stop` decide
    when boosting stops; in the final training there are none, and cross-validation's rounds are used. `__weight`, where the
    pipeline file weighs rows, is how much each counts.

    Returns the booster, its metrics on the rows that stopped it, and the rounds that were kept.
    """
    x = np.column_stack([table[name].to_numpy(zero_copy_only=False) for name in features])
    x = np.ascontiguousarray(x, dtype=np.float64)
    y = table["__y"].to_numpy(zero_copy_only=False).astype(np.float64)
    stop = table["__stop"].to_numpy(zero_copy_only=False).astype(bool)

    def weight(rows):
        if "__weight" not in table.column_names:
            return None
        return table["__weight"].to_numpy(zero_copy_only=False).astype(np.float64)[rows]

    params = dict(request["params"])
    rounds = int(params.pop("numIterations", 200))
    settings = {
        "objective": OBJECTIVE[request["problem"]],
        "seed": request["seed"],
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
        **params,
    }
    if request["problem"] == "multiclass":
        settings["num_class"] = len(request["classLabels"])

    def beat(env):
        on_iteration(env.iteration)

    if request["iterations"] is not None:
        rounds = max(1, round(request["iterations"]))
    callbacks = [beat]
    valid = []
    data = lgb.Dataset(x[~stop], y[~stop], weight=weight(~stop), free_raw_data=False)
    if stop.any():
        valid = [lgb.Dataset(x[stop], y[stop], weight=weight(stop), reference=data)]
        callbacks.append(lgb.early_stopping(EARLY_STOPPING_ROUNDS, verbose=False))
    booster = lgb.train(settings, data, num_boost_round=rounds, valid_sets=valid, callbacks=callbacks)
    metrics = {
        f"stop_{name}": float(value)
        for scores in booster.best_score.values()
        for name, value in scores.items()
    }
    kept = booster.best_iteration if stop.any() else booster.current_iteration()
    return booster, metrics, kept
