"""The peer of the serve suite: FastAPI and onnxruntime, as a careful team would deploy them.

Same ONNX file, same request body ({"rows": [{name: number, ...}]}) and same columns as AURA. The session runs
one thread per call (intra-op 1), because parallelism comes from workers.

Three styles. `typed` is what the rows compare with: body and reply are declared models, so a wrong body is
refused, as AURA refuses it, and the handler is async. `threaded` is the same with a plain `def` handler, as most
tutorials write it: each call then goes through a thread pool. `bare` leaves FastAPI little to do: the handler reads
the body with orjson and checks nothing. The last two show what the peer's time is made of.

Usage: fastapi_server.py MODEL.onnx COLUMNS.json PORT WORKERS typed|threaded|bare
Each worker prints one line, `ready`, when its application has started.
"""

import json
import os
import sys

import numpy as np
import onnxruntime as ort
import orjson
import uvicorn
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel


def load():
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(os.environ["PEER_MODEL"], options, providers=["CPUExecutionProvider"])
    with open(os.environ["PEER_COLUMNS"], encoding="utf-8") as file:
        columns = json.load(file)
    return session, columns


class PredictBody(BaseModel):
    model: str | None = None
    rows: list[dict[str, float]]


class Prediction(BaseModel):
    value: float


class PredictReply(BaseModel):
    predictions: list[Prediction]


def create_app():
    session, columns = load()
    given = session.get_inputs()[0]
    dtype = np.float64 if given.type == "tensor(double)" else np.float32
    wanted = [session.get_outputs()[0].name]
    app = FastAPI()

    @app.on_event("startup")
    async def announce():
        print("ready", flush=True)

    @app.get("/livez")
    async def livez():
        return {"status": "ok"}

    def run(rows):
        matrix = np.array([[row[name] for name in columns] for row in rows], dtype=dtype)
        return np.ravel(session.run(wanted, {given.name: matrix})[0])

    async def typed(body: PredictBody) -> PredictReply:
        return PredictReply(predictions=[Prediction(value=value) for value in run(body.rows)])

    def threaded(body: PredictBody) -> PredictReply:
        return PredictReply(predictions=[Prediction(value=value) for value in run(body.rows)])

    async def bare(request: Request):
        rows = orjson.loads(await request.body())["rows"]
        body = {"predictions": [{"value": float(value)} for value in run(rows)]}
        return Response(orjson.dumps(body), media_type="application/json")

    app.post("/predict")({"typed": typed, "threaded": threaded, "bare": bare}[os.environ["PEER_STYLE"]])
    return app


def main():
    model, columns, port, workers, style = sys.argv[1:6]
    os.environ["PEER_MODEL"] = model
    os.environ["PEER_COLUMNS"] = columns
    os.environ["PEER_STYLE"] = style
    uvicorn.run(
        "fastapi_server:create_app",
        factory=True,
        app_dir=os.path.dirname(os.path.abspath(__file__)),
        host="127.0.0.1",
        port=int(port),
        workers=int(workers),
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
        timeout_keep_alive=120,
    )


if __name__ == "__main__":
    main()
