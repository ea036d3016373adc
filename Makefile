# Everything runs in its own .venv; `make test` and `make demo` need nothing but Python 3.10 to 3.13 (PYTHON=python3.12).
PYTHON ?= python3.11
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export OMP_NUM_THREADS ?= 1
export MPLBACKEND ?= Agg

.PHONY: setup test types demo model notebooks readme figures docs clean

setup: $(BIN)/.installed

$(BIN)/.installed: settings.ini setup.py pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

test: setup          ## everything that CI checks; the last line counts
	python tools/check.py

types: setup         ## the types of what others write with echo17, and of the rooms that are held to theirs
	python -m pip install --quiet mypy
	mypy

demo: setup          ## the main job on the data that ships with the repository; it takes the cores that are free
	echo17 demo

model: setup         ## train the model that comes with echo17 again (about two hours on two cores)
	python tools/make_model.py

notebooks: setup     ## execute every notebook in place and export it
	python tools/run_nbs.py
	nbdev_export

readme: setup        ## README.md from nbs/index.ipynb
	python tools/readme.py

figures: setup      ## the pictures in figures/
	echo17 figures

docs: setup          ## the offline site in _docs
	python -m pip install --quiet sphinx myst-parser furo sphinx-mathjax-offline
	python tools/docs.py

clean:
	rm -rf .venv _proc _docs *.egg-info
