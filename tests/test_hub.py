"""A model goes to a hub on this machine, over HTTP, and comes back: what the Hugging Face hub would be asked, it answers."""
import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch

from echo17.config import EchoConfig, Facts
from echo17.files import write_json
from echo17.inference import RESULT_FILE, Echo, load_model, save_model
from echo17.text import Tokenizer

LARGE = (".safetensors", ".onnx")  # kept by digest in a store of their own, as the hub does


class Hub(BaseHTTPRequestHandler):
    "One repository; `server.files` holds its content, `server.asked` what was asked."
    def log_message(self, *words): pass

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked": return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16): parts.append(self.rfile.read(size)); self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def answer(self, value=None, status=200, data=None, **headers):
        data = json.dumps(value).encode() if data is None else data
        self.send_response(status)
        for name, content in {"Content-Length": len(data), "Content-Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), str(content))
        self.end_headers()
        if self.command != "HEAD": self.wfile.write(data)

    def do_POST(self):
        body = self.body()
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        url, where = f"http://{self.headers['Host']}", self.path.partition("?")[0]
        if where == "/api/repos/create":
            asked = json.loads(body)
            self.server.name = f"{asked.get('organization', 'me')}/{asked['name']}"
            return self.answer(dict(url=f"{url}/{self.server.name}", name=self.server.name, id=self.server.name))
        if where.endswith("/validate-yaml"): return self.answer(dict(errors=[], warnings=[]))
        if "/preupload/" in where:
            kind = {name["path"]: "lfs" if name["path"].endswith(LARGE) else "regular" for name in json.loads(body)["files"]}
            files = [dict(path=path, uploadMode=mode, shouldIgnore=False) for path, mode in kind.items()]
            return self.answer(dict(files=files))
        if where.endswith("/info/lfs/objects/batch"):
            objects = [one | dict(authenticated=True, actions=dict(upload=dict(href=f"{url}/store/{one['oid']}", header={})))
                       for one in json.loads(body)["objects"]]
            return self.answer(dict(transfer="basic", objects=objects), Content_Type="application/vnd.git-lfs+json")
        if "/commit/" in where:
            for line in map(json.loads, body.splitlines()):
                value = line["value"]
                if line["key"] == "file": self.server.files[value["path"]] = base64.b64decode(value["content"])
                if line["key"] == "lfsFile": self.server.files[value["path"]] = self.server.store[value["oid"]]
            return self.answer(dict(commitUrl=f"{url}/{self.server.name}/commit/{'0' * 40}", commitOid="0" * 40, success=True))
        self.answer(dict(error=f"nobody here knows {self.path}"), 404)

    def do_PUT(self):
        data, oid = self.body(), self.path.rpartition("/")[2]
        if hashlib.sha256(data).hexdigest() != oid: return self.answer(dict(error="other content"), 400)
        self.server.store[oid] = data
        self.answer({})

    def do_GET(self):
        found = re.fullmatch(r"/(\w+/[\w-]+)/resolve/[^/]+/(.+)", self.path)
        if found is None and re.match(r"/api/models/", self.path): return self.answer(dict(id=self.server.name, sha="0" * 40, siblings=[]))
        data = self.server.files.get(found[2]) if found and found[1] == self.server.name else None
        if data is None: return self.answer(dict(error="Entry not found"), 404, X_Error_Code="EntryNotFound")
        sha = hashlib.sha256(data) if found[2].endswith(LARGE) else hashlib.sha1(b"blob %d\0" % len(data) + data)
        self.answer(data=data, X_Repo_Commit="0" * 40, ETag=f'"{sha.hexdigest()}"', Content_Type="application/octet-stream")

    do_HEAD = do_GET


@pytest.fixture
def hub(tmp_path):
    "A hub, and how a program of its own asks it."
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.files, server.store, server.asked, server.name = {}, {}, [], ""
    threading.Thread(target=server.serve_forever, daemon=True).start()
    env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy") and name != "HF_HUB_OFFLINE"}
    env |= dict(HF_ENDPOINT=f"http://127.0.0.1:{server.server_port}", HF_HOME=str(tmp_path / "cache"), HF_TOKEN="hf_secret",
                HF_HUB_DISABLE_XET="1", HF_HUB_DISABLE_TELEMETRY="1", OMP_NUM_THREADS="1")

    def ask(code):
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()
    yield server, ask
    server.shutdown(); server.server_close()


@pytest.fixture
def model(tmp_path):
    "A small one, as a run leaves it: measured, its result in the folder above."
    tokenizer = Tokenizer.characters(["rise fall fast"])
    small = dict(width=32, heads=2, encoder_layers=1, decoder_layers=1, n_mels=20)
    torch.manual_seed(0)
    made = Echo(EchoConfig.echo(vocabulary=len(tokenizer), **small), tokenizer, Facts(longest_clip=2., text="english"))
    best = tmp_path / "run" / "best"
    best.mkdir(parents=True)
    save_model(made, best)
    write_json(best.parent / RESULT_FILE, dict(corpus="digits", split="test", metrics=dict(wer=.125), clips=dict(train=90)))
    return load_model(best)


def test_a_model_goes_to_a_hub_and_comes_back(hub, model):
    server, ask = hub
    code = f"""
from echo17.inference import load_model
print(load_model({str(model.origin)!r}).push_to_hub("somebody/small", model_card_kwargs=dict(licence="mit")))"""
    assert ask(code)[-1].endswith("/somebody/small/commit/" + "0" * 40)
    assert {*server.files} == {"README.md", "config.json", "facts.json", "model.safetensors", "result.json", "tokenizer.json"}
    assert all(token == "Bearer hf_secret" for path, token in server.asked if "/api/" in path)
    assert server.files["model.safetensors"] == (model.origin / "model.safetensors").read_bytes()
    card = server.files["README.md"].decode()
    for said in ("license: mit", "library_name: echo17", "value: 12.5", 'from_pretrained("somebody/small")', "90 clips"):
        assert said in card, said
    code = """
from echo17.inference import Echo
model = Echo.from_pretrained("somebody/small")
print(f"{model.ctc_head.weight.double().sum():.12f}", model.facts.longest_clip)"""
    assert ask(code) == [f"{model.ctc_head.weight.double().sum():.12f}", "2.0"]


def test_the_graphs_go_along(hub, model):
    pytest.importorskip("onnxscript", reason="the graphs need the extra onnx")
    server, ask = hub
    ask(f"""
from echo17.export import write_graphs
from echo17.inference import load_model
load_model({str(model.origin)!r}).push_to_hub("somebody/small", write_graphs)""")
    assert {"encoder.onnx", "decoder.onnx", "ctc.onnx", "pitch.onnx", "onnx.json", "transcribe.py"} <= {*server.files}
    assert "python transcribe.py speech.wav" in server.files["README.md"].decode()


def test_a_hub_that_refuses_is_told_of(hub, model):
    server, ask = hub
    code = """
from echo17.errors import EchoError
from echo17.inference import Echo
try: Echo.from_pretrained("somebody/else")
except EchoError as e: print("EchoError", str(e).split(":")[0])"""
    assert ask(code) == ["EchoError", "somebody/else"]
