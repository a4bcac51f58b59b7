# SPDX-License-Identifier: Apache-2.0
"""Makes what the Makefile's targets run in, and writes .ros/environment.sh, which enters it.

With a sourced ROS 2 distribution that one is used, and .venv holds only the Python modules that it lacks. Otherwise
.venv holds ROS 2 Kilted from wheels. Either way colcon builds the checkout into .ros/. Both steps leave the key of
what they were made from, so that a second call only compares keys. Standard library only, Python 3.8 and later: it
has to run far enough to say what is missing.
"""
import fcntl
import hashlib
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
VENV = ROOT / ".venv"
BUILD = ROOT / ".ros"
ENVIRONMENT = BUILD / "environment.sh"

WHEEL_PLATFORM = ("Linux", "x86_64")
WHEEL_PYTHONS = ((3, 10), (3, 14))                      # oldest and newest Python that all pinned wheels exist for

PROBE = """
import importlib.util, os, sys, sysconfig
has = lambda name: int(importlib.util.find_spec(name) is not None)
print(*sys.version_info[:2], has("venv") and has("ensurepip"),
      int(os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h"))))
"""


def probe(python):
    """(major, minor), whether it can make virtual environments, whether it has its C headers; None if not runnable."""
    try:
        out = subprocess.run([python, "-c", PROBE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                             check=True).stdout.split()
    except (OSError, subprocess.CalledProcessError):
        return None
    return (int(out[0]), int(out[1])), out[2] == b"1", out[3] == b"1"


def imports(python, module):
    """Whether this interpreter can import the module."""
    return subprocess.run([python, "-c", f"import {module}"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == 0


def digest(*parts):
    """Key of strings and of the contents of files."""
    key = hashlib.sha256()
    for part in parts:
        key.update(part.read_bytes() if isinstance(part, Path) else str(part).encode())
        key.update(b"\0")
    return key.hexdigest()


def build_key(made_with):
    """Key of what colcon compiles and links. Edits of Python, launch and parameter files arrive without a build."""
    links = sorted(str(path) for folder in ("launch", "config") for path in (ROOT / folder).glob("*"))
    return digest(made_with, str(ROOT), *links, ROOT / "CMakeLists.txt", ROOT / "package.xml",
                  *sorted((ROOT / "msg").glob("*.msg")), *sorted((ROOT / "srv").glob("*.srv")))


def distribution_prefix():
    """Prefix of the sourced ROS 2 distribution, or None. What this script made itself does not count."""
    for prefix in filter(None, os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)):
        inside = ROOT in Path(prefix).resolve().parents
        if not inside and (Path(prefix) / "share" / "rclpy").is_dir():
            return Path(prefix)
    return None


def candidate_pythons(*names):
    """Interpreters to try, best first: PYTHON when set, the one running this, then what PATH has."""
    if os.environ.get("PYTHON"):
        names = (os.environ["PYTHON"],)
    else:
        names = (getattr(sys, "_base_executable", sys.executable), "/usr/bin/python3", *names)
    found = (shutil.which(name) for name in names)
    return [os.path.abspath(path) for path in dict.fromkeys(found) if path]


def choose_distribution_python(prefix):
    """The interpreter that the distribution's rclpy works in."""
    pythons = candidate_pythons("python3")
    for python in pythons:
        if imports(python, "rclpy"):
            return python
    sys.exit(f"setup: {prefix} is sourced, but none of {', '.join(pythons)} can import rclpy. "
             "Deactivate conda or pyenv, or name the distribution's interpreter: make setup PYTHON=/usr/bin/python3")


def choose_wheel_python():
    """An interpreter that the ROS wheels exist for, that can make a virtual environment and compile against."""
    system, machine = platform.system(), platform.machine()
    if (system, machine) != WHEEL_PLATFORM:
        sys.exit(f"setup: ROS 2 wheels exist for {' '.join(WHEEL_PLATFORM)}, and this is {system} {machine}. Source a "
                 "ROS 2 distribution (/opt/ros/<distro>/setup.sh) first; then that one is used")
    oldest, newest = WHEEL_PYTHONS
    seen, lacking = [], None
    for python in candidate_pythons(*(f"python3.{minor}" for minor in range(oldest[1], newest[1] + 1))):
        found = probe(python)
        if found is None:
            continue
        version, has_venv, has_headers = found
        name = f"python{version[0]}.{version[1]}"
        seen.append(f"{python} ({name})")
        if not oldest <= version <= newest:
            continue
        has = {f"{name}-venv": has_venv, f"{name}-dev": has_headers, "g++": shutil.which("c++") is not None}
        missing = [package for package, there in has.items() if not there]
        if not missing:
            return python
        lacking = lacking or (python, missing)
    if lacking:
        python, missing = lacking
        sys.exit(f"setup: {python} is there, but parts of the system are missing. On Debian or Ubuntu:\n"
                 f"    sudo apt install {' '.join(missing)}")
    sys.exit(f"setup: ROS 2 wheels exist for CPython {oldest[0]}.{oldest[1]} to {newest[0]}.{newest[1]}; found "
             f"{', '.join(seen) or 'no Python'}. Install one of them (python3, python3-venv, python3-dev) and name "
             "it: make setup PYTHON=/path/to/python3.x")


def lacking_requirements(python):
    """Requirements of the files whose module this interpreter does not have."""
    modules = {}
    for line in "\n".join((REQUIREMENTS / name).read_text() for name in ("library.txt", "test.txt")).splitlines():
        found = re.match(r"([\w-]+)==", line)
        if found:
            named = re.search(r"# import ([\w.]+)", line)
            modules[line.split(" #")[0].strip()] = named[1] if named else found[1]
    # the folder of a module is looked for before the module itself: find_spec("absent.module") raises
    probe = ("import sys, importlib.util as i; print(*(m for m in sys.argv[1:] "
             "if i.find_spec(m.split('.')[0]) is None or i.find_spec(m) is None))")
    missing = subprocess.run([python, "-c", probe, *set(modules.values())], check=True, stdout=subprocess.PIPE,
                             text=True).stdout.split()
    return [line for line, module in modules.items() if module in missing]


def rewrite_prefixes(text, include, numpy_include, soname_folder):
    """CMake text of a wheel, with the folders of the machine it was built on replaced by this machine's."""
    text = re.sub(r"/opt/python/cp\d+-cp\d+/lib/python[\d.]+/site-packages/numpy/_core/include", numpy_include, text)
    text = re.sub(r"/opt/python/cp\d+-cp\d+/include/python[\d.]+", include, text)
    return text.replace("/usr/lib64/libtinyxml2.so", soname_folder)


def make_venv(python, requirements, key, system_site_packages=False):
    """A fresh .venv with these pip arguments installed."""
    print(f"setup: making {VENV.name} with {python}", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    options = ["--system-site-packages"] if system_site_packages else []
    subprocess.run([python, "-m", "venv", *options, VENV], check=True)
    (VENV / "COLCON_IGNORE").touch()
    # what lies on PYTHONPATH would count as installed, and be missing whenever it does not
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH" or system_site_packages}
    subprocess.run([VENV / "bin" / "python", "-m", "pip", "install", "--no-input", "--disable-pip-version-check",
                    *requirements], check=True, env=env)
    if not system_site_packages:
        adapt_wheels()
    (VENV / "key").write_text(key)


def adapt_wheels():
    """Makes the CMake files that the ROS wheels export point into this machine."""
    include, numpy_include, site = subprocess.run(
        [VENV / "bin" / "python", "-c", "import sysconfig, numpy; paths = sysconfig.get_paths(); "
         "print(paths['include'], numpy.get_include(), paths['purelib'], sep='\\n')"],
        check=True, stdout=subprocess.PIPE, text=True).stdout.split("\n")[:3]
    tinyxml = next(Path(site).glob("ros_fastdds.libs/libtinyxml2*"), "tinyxml2")
    for path in (VENV / "share").rglob("*.cmake"):
        text = path.read_text()
        adapted = rewrite_prefixes(text, include, numpy_include, str(tinyxml))
        if adapted != text:
            path.write_text(adapted)


def write_environment(variables):
    """.ros/environment.sh for sh and bash. Lists of folders go in front of what a variable has already."""
    lines = ["# made by `make setup`; enter with `. .ros/environment.sh`"]
    for name, value in variables.items():
        folders = shlex.quote(":".join(map(str, value)))
        lines.append(f'export {name}={folders}"${{{name}:+:${name}}}"' if isinstance(value, list)
                     else f"export {name}={shlex.quote(value)}")
    # The user's choice of a Fast DDS profile stays. Jazzy knows the second name only; Kilted warns of it.
    jazzy = variables.get("ROS_DISTRO", os.environ.get("ROS_DISTRO")) == "jazzy"
    profile = "FASTRTPS_DEFAULT_PROFILES_FILE" if jazzy else "FASTDDS_DEFAULT_PROFILES_FILE"
    lines += [f': "${{{profile}:={ROOT / "config" / "fastdds.xml"}}}"; export {profile}',
              "# Neither hear nor disturb the robots of this network, unless asked to.",
              ': "${ROS_AUTOMATIC_DISCOVERY_RANGE:=LOCALHOST}"; export ROS_AUTOMATIC_DISCOVERY_RANGE']
    ENVIRONMENT.write_text("\n".join(lines) + "\n")


def build(python, variables, site_packages, key):
    """Compiles the messages and lays the checkout into .ros/install as links, so that edits need no build."""
    print("setup: building with colcon", flush=True)
    BUILD.mkdir(exist_ok=True)
    (BUILD / "COLCON_IGNORE").touch()
    write_environment(variables)
    command = ["colcon", "--log-level", "error", "--log-base", ".ros/log", "build", "--base-paths", ".",
               "--symlink-install", "--build-base", ".ros/build", "--install-base", ".ros/install", "--cmake-args",
               f"-DPython3_EXECUTABLE={python}", f"-DPYTHON_INSTALL_DIR={site_packages}", "-DBUILD_TESTING=OFF"]
    shell = f". {shlex.quote(str(ENVIRONMENT))} && {' '.join(map(shlex.quote, command))}"
    command_file = BUILD / "bin" / "modot"              # what `pip install .` would make
    command_file.parent.mkdir(exist_ok=True)
    command_file.write_text('#!/bin/sh\nexec python3 -m modot_ros.cli "$@"\n')
    command_file.chmod(0o755)
    if subprocess.run(["sh", "-c", shell], cwd=ROOT).returncode != 0:
        sys.exit("setup: colcon build failed; its log is in .ros/log/latest_build/modot_ros")
    (BUILD / "key").write_text(key)


def is_made_from(folder, key):
    """Whether the folder was finished with this key."""
    return (folder / "key").is_file() and (folder / "key").read_text() == key


def main():
    lock = os.open(ROOT, os.O_RDONLY)                   # one at a time: `make demo` beside `make test` waits here
    fcntl.flock(lock, fcntl.LOCK_EX)
    install = BUILD / "install" / "modot_ros"
    variables = {"AMENT_PREFIX_PATH": [install], "LD_LIBRARY_PATH": [install / "lib"]}
    distribution = distribution_prefix()
    if distribution:
        python = choose_distribution_python(distribution)
        lacking = lacking_requirements(python)
        key = digest("distribution", str(distribution), os.path.realpath(python), *lacking)
        if lacking and not is_made_from(VENV, key):
            make_venv(python, lacking, key, system_site_packages=True)
        if not shutil.which("colcon"):
            sys.exit("setup: colcon is missing. On Debian or Ubuntu: sudo apt install python3-colcon-common-extensions")
    else:
        python = choose_wheel_python()
        files = [REQUIREMENTS / name for name in ("library.txt", "test.txt", "ros-kilted.txt")]
        key = digest("wheels", str(ROOT), os.path.realpath(python), probe(python)[0], *files)
        if not is_made_from(VENV, key):
            make_venv(python, [word for path in files for word in ("-r", str(path))], key)
        python = str(VENV / "bin" / "python3")
        variables["AMENT_PREFIX_PATH"] += [VENV]
        variables["LD_LIBRARY_PATH"] += [VENV / "lib", *sorted(VENV.glob("lib/python*/site-packages/ros_*.libs"))]
        # The wheels otherwise start every Python twice, to set LD_LIBRARY_PATH.
        variables.update(CMAKE_PREFIX_PATH=[VENV], ROS_DISTRO="kilted", ROS_VERSION="2", ROS_PYTHON_VERSION="3",
                         _ROS_WHEELS_BOOTSTRAP_COMPLETE="1")
    variables["PATH"] = [BUILD / "bin"] + ([VENV / "bin"] if not distribution or lacking else [])
    major, minor = probe(python)[0]
    site_packages = f"lib/python{major}.{minor}/site-packages"
    variables["PYTHONPATH"] = [ROOT, install / site_packages]
    key = build_key(key)
    if not is_made_from(BUILD, key):
        build(python, variables, site_packages, key)
    print(f"setup: ready; enter with `. {ENVIRONMENT.relative_to(ROOT)}`")


if __name__ == "__main__":
    main()
