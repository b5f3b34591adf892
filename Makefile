# Everything a fresh machine needs is installed by these commands; the only thing asked for is Python 3.11 or newer.
PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python
EXTRAS := geo,balance,cluster,export,fast,pictures,review,sheets,tiles

.PHONY: install demo test test-long lint browser docs bench soak lowest audit

install: .venv/installed

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(RUN) -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(RUN) --editable '.[$(EXTRAS),dev]'
	touch $@

demo: install  ## maps, a small multi-head network and a prediction, on the CPU within minutes
	rm -rf data/demo data/demo_new runs/demo predictions/demo
	$(RUN) tools/make_maps.py --out data/demo --count 400 --seed 1 --size 128
	$(RUN) tools/make_maps.py --out data/demo_new --count 3 --seed 7 --size 128
	$(RUN) tools/train.py --config configs/demo.yaml --data data/demo --out runs/demo
	$(RUN) tools/predict.py data/demo_new --checkpoint runs/demo/best.ckpt --out predictions/demo
	@echo "Look at"
	@echo "  data/demo/contact_sheet.png         maps that the network learned from"
	@echo "  predictions/demo/report.html        all predicted maps, the most uncertain first"
	@echo "  predictions/demo/*/overlay.png      a map with predicted traps (magenta, numbered) and the true ones (white)"
	@echo "  predictions/demo/*/disagreement.png what both see, and what only one of them sees"
	@echo "  predictions/demo/*/closures.csv     the predicted traps, a row each"
	@echo "  runs/demo in a browser: $(BIN)/tensorboard --logdir runs/demo"

test: install lint  ## style, types, the tests and the examples in docstrings, within ten minutes
	$(RUN) -m pytest -n 2 --dist worksteal -m 'not long and not soak'

test-long: install  ## tests of the wheel, browsers, notebooks, attacks; CI runs them after `make test`
	$(RUN) -m pytest -n 2 --dist worksteal -m long

browser: install  ## a Chromium for the tests of pages, which are skipped without one
	.ci/install_browser

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: install  ## the site of the documents in site/; a dead link or a name that does not exist is an error
	$(RUN) docs/site/build.py site

bench: install  ## speed beside peers; prints ratios
	$(BIN)/uv pip install --quiet --python $(RUN) --editable '.[bench,fast]'
	for file in tests/benchmarks/bench_*.py; do $(RUN) $$file || exit 1; done

soak: install  ## hours of what the tests do in seconds: stopped runs, settings, damaged files; new examples (docs/explanation/reliability.md)
	$(RUN) -m pytest -n 2 --hypothesis-profile=default -m 'soak or not soak'
	$(RUN) -m tests.soak

lowest: install  ## the fast tests of what users run, with the lowest versions that pyproject.toml allows, on Python 3.11
	$(BIN)/uv venv --quiet --allow-existing --python 3.11 .venv-lowest
	$(BIN)/uv pip install --quiet --python .venv-lowest/bin/python --resolution lowest-direct --editable '.[$(EXTRAS)]' \
	    'pytest>=9' 'hypothesis>=6.112'
	.venv-lowest/bin/python -m pytest tests/targets/closure tests/targets/io tests/targets/analysis tests/mtl/commands tests/mtl/export

audit: install  ## known vulnerabilities of every installed package, asked of PyPI (needs a network)
	$(BIN)/uv pip freeze --quiet --exclude-editable --python $(RUN) | sed 's/+cpu$$//' > .venv/installed.txt
	$(BIN)/uv tool run pip-audit --disable-pip --no-deps --requirement .venv/installed.txt
