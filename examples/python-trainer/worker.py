"""A Temporal worker that trains LightGBM for AURA.

    AURA_API_URL=http://127.0.0.1:8080 TEMPORAL_ADDRESS=127.0.0.1:7233 python worker.py

Settings: AURA_API_URL, AURA_API_KEY (an operator's, where keys are on), TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE,
TASK_QUEUE (default python-trainer: what the pipeline file has as `taskQueue`).
"""

import asyncio
import os
import signal
from concurrent.futures import ThreadPoolExecutor

from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from aura_api import AuraApi
from onnx_trees import to_onnx
from training import OBJECTIVE, train

KIND = "aura.external/1"


def trainer(api: AuraApi):
    # Not async: training holds its thread, and a beat from the training loop is what tells that it lives.
    @activity.defn(name="trainModel")
    def train_model(request: dict) -> dict:
        if request.get("kind") != KIND:
            # Another release of the contract: trying again would not help.
            raise ApplicationError(f"expected {KIND}, got {request.get('kind')}", non_retryable=True)
        if request["problem"] not in OBJECTIVE:
            raise ApplicationError(f"this worker trains {', '.join(OBJECTIVE)}, not {request['problem']}", non_retryable=True)
        activity.heartbeat("fetching")
        table, manifest = api.feature_set(request["featureSet"])
        features = [feature["physical"] for feature in manifest["features"]]

        def on_iteration(iteration: int) -> None:
            activity.heartbeat(iteration)
            if activity.is_cancelled():
                raise asyncio.CancelledError("the run was cancelled")

        booster, metrics, rounds = train(table, features, request, on_iteration)
        labels = request["classLabels"]
        onnx = to_onnx(booster, request["problem"], len(labels) if labels else 1)
        uploaded = api.upload(f"{request['candidate']}.onnx", onnx)
        return {"kind": "aura.external.result/1", "onnx": uploaded, "metrics": metrics, "iterations": rounds}

    return train_model


async def main() -> None:
    api = AuraApi(os.environ["AURA_API_URL"], os.environ.get("AURA_API_KEY"))
    client = await Client.connect(
        os.environ.get("TEMPORAL_ADDRESS", "127.0.0.1:7233"),
        namespace=os.environ.get("TEMPORAL_NAMESPACE", "default"),
    )
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    with ThreadPoolExecutor(max_workers=1) as threads:
        worker = Worker(
            client,
            task_queue=os.environ.get("TASK_QUEUE", "python-trainer"),
            activities=[trainer(api)],
            activity_executor=threads,
            max_concurrent_activities=1,
        )
        async with worker:
            print("ready", flush=True)
            await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
