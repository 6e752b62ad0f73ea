"""Small libraries that are loaded into the server, compiled from the C files beside this one."""

import pathlib
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).parent


def compiled(name, folder):
    compiler = next((found for found in ("clang-19", "clang", "gcc", "cc") if shutil.which(found)), None)
    if compiler is None:
        pytest.skip("there is no C compiler for the libraries that are loaded into the server")
    path = pathlib.Path(folder) / f"{name}.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", path, HERE / f"{name}.c", "-ldl"], check=True, timeout=120)
    return path
