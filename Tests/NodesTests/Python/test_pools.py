"""Pools of processes and pickling, also of inline code."""

import pytest
from conftest import Worker

POOL = """
import concurrent.futures, multiprocessing
def sq(x): return x * x
def execute(state):
    context = multiprocessing.get_context(state["method"])
    if state["executor"]:
        with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool: return {"v": list(pool.map(sq, [2, 3]))}
    with context.Pool(2) as pool: return {"v": pool.map(sq, [2, 3])}
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("executor", [False, True])
def test_inline_code_has_pools(worker, method, executor):
    for _ in range(2):
        end, _ = worker.end(worker.call({"code": POOL}, {"method": method, "executor": executor}))
        assert end["update"] == {"v": [4, 9]}


@pytest.mark.parametrize("name", ["json", "random", "pickle", "logging", "signal", "socket", "types", "tempfile"])
def test_a_file_named_as_a_standard_module_has_pools(tmp_path, name):
    (tmp_path / (name + ".py")).write_text(POOL)
    worker = Worker(tmp_path, named=[name + ".py"])
    end, _ = worker.end(worker.call({"file": name + ".py", "function": "execute"}, {"method": "spawn", "executor": False}))
    assert end.get("update") == {"v": [4, 9]}, end
    assert worker.process.communicate(timeout=10)[1] == b""


def test_nodes_of_like_names_have_modules_of_their_own(worker):
    code = "import pickle\nclass P: pass\ndef execute(state): return {'same': type(pickle.loads(pickle.dumps(P()))) is P}"
    for _ in range(2):
        for node in ("a-b", "a_b"):
            for body in (code, code + "\n"):
                assert worker.end(worker.call({"code": body}, node=node))[0]["update"] == {"same": True}
