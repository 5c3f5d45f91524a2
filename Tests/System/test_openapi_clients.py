"""Clients that nobody here wrote: made from the description, they import, type-check and do a whole workflow."""

import os
import pathlib
import shutil
import subprocess

import pytest

from daemon import ROOT
from description import PATH

CLIENTS = pathlib.Path(__file__).resolve().parent / "clients"
# What makes and checks clients, and would only be in the way of other tests, has an environment of its own (Tests/run).
TOOLS = ROOT / ".build" / "client-venv" / "bin"

pytestmark = pytest.mark.timeout(300)


def run(*command, folder, **variables):
    """Runs a tool to its end, and gives what it said."""
    environment = os.environ | {"PATH": f"{TOOLS}:{os.environ['PATH']}"} | variables
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command[0]}: {done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module", autouse=True)
def tools():
    assert TOOLS.exists(), "the tools that make clients are missing: Tests/run system installs them"


@pytest.fixture
def workflow(tmp_path):
    """A folder with the workflows in it."""
    for script in CLIENTS.iterdir():
        shutil.copy(script, tmp_path)
    return tmp_path


def test_openapi_generator_makes_a_python_client(start_daemon, workflow):
    said = run("openapi-generator-cli", "generate", "-g", "python", "-i", PATH, "-o", "made", folder=workflow)
    assert "ERROR" not in said and "Exception" not in said
    script = "with_openapi_generator.py"
    run("mypy", script, "made/openapi_client", folder=workflow, MYPYPATH="made")
    assert run("python", script, start_daemon().url, folder=workflow, PYTHONPATH="made").endswith("done\n")


def test_openapi_generator_makes_a_typescript_client(start_daemon, workflow):
    run("openapi-generator-cli", "generate", "-g", "typescript-fetch", "-i", PATH, "-o", "client", folder=workflow)
    # The compiler of Debian 12 does not yet narrow by `in`, which the generated guards do.
    options = ["--strict", "--suppressImplicitAnyIndexErrors", "--target", "es2021", "--lib", "es2021,dom", "--outDir", "out"]
    modules = ["--module", "commonjs", "--moduleResolution", "node"]
    run("tsc", *options, *modules, "with_openapi_generator.ts", folder=workflow)
    assert run("node", "out/with_openapi_generator.js", start_daemon().url, folder=workflow).endswith("done\n")


def test_openapi_python_client_makes_a_client(start_daemon, workflow):
    said = run(
        "openapi-python-client", "generate", "--path", PATH, "--output-path", "millrace_client", "--meta", "none",
        folder=workflow,
    )
    # It knows no bodies of YAML, and says so; nothing else is left out.
    warnings = [line for line in said.splitlines() if "WARNING" in line or "ERROR" in line]
    assert said.count("Unsupported content type application/yaml") == len(warnings), said
    # Its own runtime, which comes as it is whatever the description says, does not pass the newest mypy.
    (workflow / "mypy.ini").write_text("[mypy]\n[mypy-millrace_client.client]\nignore_errors = True\n")
    script = "with_openapi_python_client.py"
    run("mypy", script, "millrace_client", folder=workflow)
    assert run("python", script, start_daemon().url, folder=workflow).endswith("done\n")


# Streams are described by what their lines say, which it takes for what their blocks are; one of them has no end. Tokens: from
# the first on nobody enters without.
LEFT_OUT = [
    "followExecutions", "executeStream", "readEvents", "createToken", "revokeToken", "openSession", "closeSession",
    "classicExecuteStream",
]


def test_schemathesis_finds_no_answer_that_is_not_described(start_daemon, tmp_path):
    daemon = start_daemon()
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    run(
        "schemathesis", "run", PATH, "--url", daemon.url, "--checks", checks, "--phases", "examples,fuzzing", "--max-examples",
        "5", "--seed", "7", "--no-color", *(part for id in LEFT_OUT for part in ("--exclude-operation-id", id)), folder=tmp_path,
    )
