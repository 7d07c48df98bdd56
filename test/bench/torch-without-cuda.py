"""
Makes PyTorch's CUDA build load without NVIDIA's libraries: for each that is missing, a library that defines the symbols
PyTorch asks of it is put beside PyTorch's own. Their functions report that there is no device (100, as CUDA does). The
small runtime library is NVIDIA's own, so that "is there a GPU?" gets its usual answer. Nothing to do where PyTorch was
built without CUDA, as on macOS.
"""

import importlib.util
import re
import subprocess
import sys
import tempfile
from pathlib import Path

packages = Path(importlib.util.find_spec("torch").submodule_search_locations[0]).parent
lib = packages / "torch" / "lib"


def run(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def needs():
    """Names of missing libraries, and the symbols asked of each by version; those without a version apart."""
    own = [path for path in lib.iterdir() if ".so" in path.name]
    there = {path.name for path in [*own, *packages.glob("nvidia/**/lib/*.so*")]}
    needed, libraries, versions = set(), {}, {}
    for path in own:
        needed.update(re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-dW", path)))
        library = None
        for line in run("readelf", "-VW", path).splitlines():
            if found := re.search(r"File: (\S+)\s", line):
                library = found[1]
            elif library and (found := re.search(r"Name: (\S+)", line)):
                libraries[found[1]] = library
        for line in run("nm", "-D", "--undefined-only", path).splitlines():
            name, _, version = line.split()[-1].partition("@")
            versions[name] = version.lstrip("@")
    missing = {name: {} for name in sorted(needed - there) if re.match(r"lib(cu|nv|nccl)", name)}
    loose = []
    for name, version in versions.items():
        if libraries.get(version) in missing:
            missing[libraries[version]].setdefault(version, []).append(name)
        elif not version and re.match(r"cu[A-Z]|cu[a-z]+[A-Z]|nccl|nvrtc|nvshmem|nvJit", name):
            loose.append(name)
    return missing, loose


def build(target, symbols, loose):
    with tempfile.TemporaryDirectory() as folder:
        source, script = Path(folder, "stub.c"), Path(folder, "stub.map")
        names = [*loose, *(name for group in symbols.values() for name in group)]
        source.write_text("".join(f"int {name}(void) {{ return 100; }}\n" for name in names))
        words = ["cc", "-shared", "-fPIC", "-w", "-o", target, f"-Wl,-soname,{target.name}", source]
        if symbols:
            groups = (f"{version} {{ global: {'; '.join(group)}; }};\n" for version, group in symbols.items())
            script.write_text("".join(groups))
            words.append(f"-Wl,--version-script={script}")
        run(*words)


if sys.platform == "linux":
    missing, loose = needs()
    for index, (name, symbols) in enumerate(missing.items()):
        # Symbols without a version are found wherever they are.
        build(lib / name, symbols, loose if index == 0 else [])
run(sys.executable, "-c", "import torch, transformers; torch.ones(2, 2) @ torch.ones(2, 2)")
