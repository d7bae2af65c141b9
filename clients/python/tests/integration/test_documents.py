"""The README's examples, and the example program in every way that a server is reached."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ASSESSMENT, LARGE, TARGET, Servers

PACKAGE = Path(__file__).parents[2]


def python(*arguments: str | Path, cwd: Path) -> str:
    command = [sys.executable, "-W", "error", *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("number", [0, 1])
def test_the_programs_of_the_readme_run(number: int, servers: Servers, tmp_path: Path) -> None:
    programs = re.findall(r"```python\n(import .*?)```", (PACKAGE / "README.md").read_text(), re.DOTALL)
    program = programs[number]
    assert "http://127.0.0.1:8080" in program
    said = python("-c", program.replace("http://127.0.0.1:8080", servers.tcp), cwd=tmp_path)
    assert said
    if number == 0:
        assert len(program.splitlines()) <= 12
        assert (tmp_path / "report.md").read_text().startswith("#")


@pytest.mark.parametrize("way", ["tcp", "tls", "uds", "proxy"])
def test_the_example_runs_in_every_way(way: str, servers: Servers, tmp_path: Path) -> None:
    credentials = ["--ca", servers.ca, "--token-file", servers.token_file] if way == "tls" else []
    said = python(
        PACKAGE / "examples/assess.py",
        *("--server", getattr(servers, way)),
        *credentials,
        *("--artifact", LARGE, TARGET, ASSESSMENT),
        cwd=tmp_path,
    )
    assert "succeeded" in said
    assert "high: There is nothing here." in said
    end = re.search(r"large\.bin: 8388608 bytes, sha256 [0-9a-f]{64}, resumed (\d+) times", said)
    assert end is not None, said
    assert (int(end[1]) > 0) == (way == "proxy")
