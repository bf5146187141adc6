# What a checkout can do. `make help` prints the lines that follow ##.

DATA ?= data
PORT ?=
HOST ?=
# Files of tests that run side by side.
JOBS ?= 2
# Programs that were brought here come before older ones of the machine.
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/.tools/node/bin:$(PATH):$(CURDIR)/.tools/uv/bin

HUB := .venv/bin/machinelabs-hub
SITE := --data "$(DATA)"
MOVED := $(if $(PORT),--port "$(PORT)") $(if $(HOST),--host "$(HOST)")
LABEXTENSION := extensions/jupyterlab
OWN_WHEELS := build/wheels
STAMPS := build/stamps

CLIENT_SOURCES := $(shell find extensions/client -type f -not -path '*/__pycache__/*' 2> /dev/null)
EXTENSION_SOURCES := $(shell find $(LABEXTENSION) -type f -not -path '*/node_modules/*' \
  -not -path '*/lib/*' -not -path '*/labextension/*' -not -path '*/__pycache__/*' \
  -not -name '*.tsbuildinfo' 2> /dev/null)
PROJECTS := hub/pyproject.toml extensions/client/pyproject.toml extensions/jupyterlab/pyproject.toml
TEMPLATES := hub/src extensions/jupyterlab/jupyterlab_machinelabs

.DEFAULT_GOAL := help
.PHONY: help setup run check test test-gpu proof lint format bench bench-gpu images extension generate pictures docs uninstall

help: ## print this
	@awk -F ':.*## ' '/^[a-z%\/-]+:.*## / { sub("%", "NAME", $$1); printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  DATA=folder (./data), PORT=number (8000) and HOST=name (hub.localhost) move the site."

# ---- a site

run: setup extension ## start a site, installing and building what is missing; Ctrl-C stops it
	@exec $(HUB) up $(SITE) $(MOVED)

check: setup ## say what is well with the site and what is not
	@$(HUB) check $(SITE)

images: setup extension ## build the images of the catalogue
	@$(HUB) images $(SITE)

image/%: setup extension ## build one image and test it
	@$(HUB) images $(SITE) $*
	@.venv/bin/pytest tests/images -k "$*"

uninstall: ## take away what `make run` made; homes only when asked by name
	@if [ -x $(HUB) ]; then $(HUB) uninstall $(SITE); fi
	@rm -rf .venv .tools build node_modules $(LABEXTENSION)/node_modules $(LABEXTENSION)/lib \
	  $(LABEXTENSION)/jupyterlab_machinelabs/labextension
	@echo "Removed .venv, .tools and build."

# ---- what stands before it

setup: $(STAMPS)/packages $(STAMPS)/python $(STAMPS)/proxy ## install what programs and packages are missing

$(STAMPS)/packages: scripts/need scripts/node scripts/node.txt
	@scripts/need python3=python3 python-venv=python3-venv git=git \
	  debootstrap=debootstrap iptables=iptables /etc/ssl/certs/ca-certificates.crt=ca-certificates
	@scripts/node
	@mkdir -p $(@D) && touch $@

$(STAMPS)/python: requirements.txt $(PROJECTS) scripts/environment | $(STAMPS)/packages
	@scripts/environment
	@mkdir -p $(@D) && touch $@

$(STAMPS)/proxy: config/proxy/package.json config/proxy/package-lock.json | $(STAMPS)/packages
	@echo "Installing the proxy …"
	@mkdir -p .tools && cp config/proxy/package.json config/proxy/package-lock.json config/proxy/.npmrc .tools/
	@cd .tools && npm ci --silent --no-progress
	@mkdir -p $(@D) && touch $@

extension: setup $(STAMPS)/client $(STAMPS)/extension ## build the client and the JupyterLab extension

$(STAMPS)/client: $(CLIENT_SOURCES) | $(STAMPS)/python
	@mkdir -p $(OWN_WHEELS) $(@D)
	@.venv/bin/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir $(OWN_WHEELS) extensions/client
	@touch $@

$(STAMPS)/extension: $(EXTENSION_SOURCES) | $(STAMPS)/node $(STAMPS)/python
	@echo "Building the JupyterLab extension …"
	@cd $(LABEXTENSION) && npm run --silent build > ../../build/extension.log 2>&1 || { tail -n 30 ../../build/extension.log; exit 1; }
	@mkdir -p $(OWN_WHEELS) $(@D)
	@.venv/bin/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir $(OWN_WHEELS) $(LABEXTENSION)
	@touch $@

$(STAMPS)/node: $(LABEXTENSION)/package.json $(LABEXTENSION)/package-lock.json | $(STAMPS)/packages
	@echo "Installing what the JupyterLab extension is built with …"
	@cd $(LABEXTENSION) && npm ci --silent --no-progress
	@mkdir -p $(@D) && touch $@

$(STAMPS)/tests: scripts/need Makefile
	@scripts/need chromium=chromium docker=docker.io iptables=iptables ip=iproute2 \
	  /usr/lib/postgresql=postgresql nginx=nginx-light docker-registry=docker-registry \
	  tinyproxy=tinyproxy-bin dnsmasq=dnsmasq-base sqlite3=sqlite3 rsync=rsync promtool=prometheus
	@mkdir -p $(@D) && touch $@

# ---- tests and order

test: setup extension $(STAMPS)/tests ## run all tests, JOBS files at a time; long proofs as a sample
	@.venv/bin/pytest --numprocesses=$(JOBS) --dist=loadfile --no-loadscope-reorder

test-gpu: setup ## run what needs a real NVIDIA GPU, and print what was measured
	@.venv/bin/pytest tests/gpu

proof: setup extension $(STAMPS)/tests ## run the long proofs in full
	@MACHINELABS_PROOF=1 .venv/bin/pytest -m proof

bench: setup extension $(STAMPS)/tests ## measure starts, pages and forks against stock JupyterHub
	@.venv/bin/python -m tests.benchmarks $(if $(WRITE),--write)

bench-gpu: setup $(STAMPS)/tests ## measure the line for GPUs
	@.venv/bin/python -m tests.benchmarks --gpu $(foreach part,$(ONLY),--only $(part))

lint: setup $(STAMPS)/node ## ruff, mypy, import-linter, eslint, prettier, djlint
	@.venv/bin/ruff check --quiet .
	@.venv/bin/ruff format --quiet --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@.venv/bin/djlint --quiet --configuration pyproject.toml --lint $(TEMPLATES)
	@cd $(LABEXTENSION) && npm run --silent check && npm run --silent lint

format: setup $(STAMPS)/node ## put code into its one form
	@.venv/bin/ruff check --fix-only .
	@.venv/bin/ruff format .
	@cd $(LABEXTENSION) && npm run --silent format

generate: setup ## renew requirements.txt and the reference pages from the code
	@.venv/bin/python scripts/inputs.py | uv pip compile --quiet --universal --generate-hashes \
	  --python-version 3.11 --no-header --no-annotate --output-file requirements.txt -
	@.venv/bin/python docs/generate.py

pictures: setup extension $(STAMPS)/tests ## take the pictures of the manual anew, into docs/images
	@.venv/bin/pytest tests/browser -m pictures --pictures docs/images

docs: setup ## build the manual into docs/_build/html
	@.venv/bin/sphinx-build -W --quiet -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"
