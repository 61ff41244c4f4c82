"""A wheel of this build, installed by pip without a network, works away from the source tree."""

import os
import pathlib
import subprocess
import sys

import pytest

SOURCE, BUILD = (pathlib.Path(os.environ[name]) for name in ("KRONSOLVE_SOURCE", "KRONSOLVE_BUILD"))


def test_pip_installs_a_wheel(tmp_path):
    pytest.importorskip("pip")
    target = tmp_path / "site"
    away = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "KRONSOLVE_ENGINE_DIR")}

    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--target", target,
         "--config-settings", f"build-dir={BUILD}", SOURCE],
        capture_output=True, text=True, check=False, env=away, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr

    code = (
        "import kronsolve as ks; h = ks.model('heisenberg', sites=12, cyclic=True).in_sector(sz=0); "
        "print(ks.__file__); print(f'{ks.eigh(h, method=\"slepc\").energy:.9f}', ks.eigh(h, workers=2, method='lanczos').ranks)"
    )
    used = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path,
        env={**away, "PYTHONPATH": str(target)}, timeout=60,
    )  # fmt: skip
    assert used.stdout.split() == [str(target / "kronsolve" / "__init__.py"), "-5.387390917", "2"], used.stderr
    size = sum(f.stat().st_size for f in target.rglob("*") if f.is_file())
    assert size < 40 * 2**20
