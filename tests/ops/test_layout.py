"""The layout that packaging and imports rest on (ops/decisions/0001)."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "qalqan_serving": ROOT / "serving",
    "qalqan_guardrails": ROOT / "guardrails",
    "qalqan_knowledge": ROOT / "knowledge",
    "qalqan_ui": ROOT / "ui",
    "qalqan_ops": ROOT / "ops",
}
MAY_IMPORT = {
    "qalqan_serving": {"qalqan_guardrails", "qalqan_knowledge"},
    "qalqan_guardrails": set(),
    "qalqan_knowledge": set(),
    "qalqan_ui": set(),
    "qalqan_ops": {"qalqan_serving", "qalqan_guardrails", "qalqan_knowledge"},
}


def test_guardrails_is_the_library_when_python_runs_from_the_root() -> None:
    code = "import guardrails; print(guardrails.__file__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert "site-packages" in done.stdout


def test_no_init_hides_a_folder() -> None:
    for folder in PACKAGES.values():
        assert not (folder / "__init__.py").exists()
    assert not list((ROOT / "tests").rglob("__init__.py"))
    assert not (ROOT / "common").exists()
    assert not (ROOT / "utils").exists()


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_run_one_way(package: str) -> None:
    for path in (PACKAGES[package] / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            )  # fmt: skip
            for name in names:
                top = name.partition(".")[0]
                if top in PACKAGES and top != package:
                    assert top in MAY_IMPORT[package], f"{path} imports {name}"


def test_files_stay_readable() -> None:
    for folder in PACKAGES.values():
        for path in folder.rglob("*.py"):
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 320, path
