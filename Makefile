# SPDX-License-Identifier: Apache-2.0
# Everything runs in the environment that `setup` makes: the sourced ROS distribution when there is one, otherwise
# ROS 2 from wheels in .venv.

PYTHON3 := $(if $(PYTHON),$(PYTHON),python3)
ENTER := . .ros/environment.sh &&

# make demo: what to look at (picture, folder, video, bag or /dev/videoN; synthetic rooms when empty), where the
# pictures go, for how long, from how many cameras, and VIEW=1 for a live page in the browser.
INPUT ?=
OUT ?= demo_out
SECONDS ?=
CAMERAS ?= 1
VIEW ?=

# Benchmarks that `make bench` leaves out: they need pictures, files, a pool or a browser of their own.
BENCHES_OF_DATA := checksums class_baselines class_photographs fleet pages photographs sensor_orders steadiness uncertainty viewer

.DEFAULT_GOAL := help
.PHONY: help setup view lint test docs demo fleet-demo bench shell clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 10

setup:  ## make .venv and build the messages; seconds when nothing has changed
	@command -v $(PYTHON3) >/dev/null || { echo "setup: no $(PYTHON3). On Debian or Ubuntu: sudo apt install \
	python3 python3-venv python3-dev g++"; exit 1; }
	@$(PYTHON3) requirements/environment.py

view: setup  ## bring what the live page needs, 200 MB: `make demo VIEW=1`, `modot view`
	@$(ENTER) python3 -m pip install -q --no-input --disable-pip-version-check -r requirements/view.txt

lint: setup  ## check style, import order and types
	@$(ENTER) ruff check . && mypy

test: lint  ## build the package and run every test
	@$(ENTER) python3 -m pytest test -n auto --maxprocesses 4 --dist loadgroup $(PYTEST_ARGS)

docs: setup  ## build the documentation into docs/_build/html; a warning is an error
	@$(ENTER) python3 -m sphinx -W --keep-going -q -b html docs docs/_build/html && echo "docs: docs/_build/html/index.html"

demo: setup $(if $(VIEW),view)  ## camera, node and monitor: [INPUT=path-or-device] [OUT=demo_out] [SECONDS=30] [CAMERAS=1] [VIEW=1]
	@$(ENTER) python3 -m modot_ros.ros.demo $(if $(INPUT),--input "$(INPUT)") --output "$(OUT)" \
	$(if $(SECONDS),--seconds $(SECONDS)) --cameras $(CAMERAS) $(if $(VIEW),--view)

fleet-demo: setup  ## a pool of two replicas, three robots and a replica that is killed, on this machine; needs ray[serve]
	@$(ENTER) python3 benchmarks/fleet.py

bench: setup  ## run every benchmark of benchmarks/ that needs no pictures of yours
	@$(ENTER) for script in $(filter-out $(BENCHES_OF_DATA:%=benchmarks/%.py),$(wildcard benchmarks/*.py)); do echo "== $$script"; python3 $$script || exit 1; done

shell: setup  ## a shell in which ros nodes, modot and the tests can be started
	@$(ENTER) exec $${SHELL:-sh}

clean:  ## remove what setup, the demo and colcon have made
	rm -rf .venv .ros build install log demo_out docs/_build docs/generated *.egg-info
