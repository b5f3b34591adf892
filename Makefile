# Everything a fresh machine needs is installed by these commands; the only thing asked for is Python 3.11 or newer.
PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python

.PHONY: install demo test lint bench soak

install: .venv/installed

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(RUN) -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(RUN) --editable '.[geo,balance,cluster,export,fast,review,tiles,dev]'
	touch $@

demo: install  ## maps, a small multi-head network and a prediction, on the CPU within minutes
	rm -rf data/demo data/demo_new runs/demo predictions/demo
	$(RUN) tools/make_maps.py --out data/demo --count 400 --seed 1 --size 128
	$(RUN) tools/make_maps.py --out data/demo_new --count 3 --seed 7 --size 128
	$(RUN) tools/train.py --config configs/demo.yaml --data data/demo --out runs/demo
	$(RUN) tools/predict.py data/demo_new --checkpoint runs/demo/best.ckpt --out predictions/demo
	@echo "the heads, in a browser: $(BIN)/tensorboard --logdir runs/demo"

test: install lint  ## what CI runs: style, types, all tests and the examples in docstrings
	$(RUN) -m pytest -n 2 -m ''

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: install  ## speed beside peers; prints ratios
	$(BIN)/uv pip install --quiet --python $(RUN) --editable '.[bench,fast]'
	for file in tests/benchmarks/bench_*.py; do $(RUN) $$file || exit 1; done

soak: install  ## hours of what the tests do in seconds: stopped runs, settings, damaged files (docs/reliability.md)
	$(RUN) -m tests.soak.kill
	$(RUN) -m tests.soak.combinations
	$(RUN) -m tests.soak.fuzz
	$(RUN) -m tests.soak.closures
