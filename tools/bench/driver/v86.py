"""v86's package from npm, kept in the cache outside of the sources; the BIOS is Debian's SeaBIOS, as the package has none."""
import json
import pathlib
import shutil
import subprocess

VERSION = "0.5.462"
RUNNER = pathlib.Path(__file__).resolve().parent / "v86_runner.mjs"
FIRMWARE = [pathlib.Path("/usr/share/seabios/bios.bin"), pathlib.Path("/usr/share/seabios/vgabios-stdvga.bin")]


def package(cache):
    return cache / "v86/node_modules/v86"


def version(cache):
    return "v86 " + json.loads((package(cache) / "package.json").read_text())["version"]


def install(cache):
    """None when it is there; else why not."""
    missing = [str(f) for f in FIRMWARE if not f.exists()]
    if missing:
        return f"no {missing[0]} (package seabios)"
    if (package(cache) / "build/v86.wasm").exists():
        return None
    if not shutil.which("npm"):
        return "no npm here (tools/install v86)"
    folder = cache / "v86"
    folder.mkdir(parents=True, exist_ok=True)
    got = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), f"v86@{VERSION}"],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return None if got.returncode == 0 else "npm cannot fetch it: " + got.stdout.strip()[-200:]
