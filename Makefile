# What a person types. Anything with logic in it is in xtask/ or scripts/.
#   make          lists the targets
#   make demo     builds omnivale and annotates the sample video
#   make test     everything continuous integration runs

SHELL := /bin/bash
CARGO ?= cargo
DENY_VERSION := 0.20.2
TOOLS := target/tools
# A tool of the machine is used when it has it; otherwise the pinned one is built once, under target/tools.
DENY := $(or $(shell command -v cargo-deny),$(TOOLS)/bin/cargo-deny)
SAMPLE := sample/omnivale-sample.mp4

.DEFAULT_GOAL := help
.PHONY: help setup demo sample test check lint house deny doctest unit bless bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install the system packages the build needs, if any is missing
	@scripts/setup.sh build

demo: setup ## build omnivale, annotate the sample video, print the report's path
	@$(CARGO) build --release --locked -p omnivale-cli
	@[ -e $(SAMPLE) ] || { scripts/setup.sh sample && scripts/make-sample.py; }
	@target/release/omnivale annotate $(SAMPLE) -o demo
	@echo
	@echo "Open this in a browser: $(CURDIR)/demo/videos/$(basename $(notdir $(SAMPLE)))/report.html"

sample: ## draw the sample video again (needs ffmpeg, sox, espeak-ng)
	@scripts/setup.sh sample
	@scripts/make-sample.py

# Slow or noisy steps first, so that the test runner's own summary is the last thing printed.
test: setup lint house deny doctest unit ## everything: format, lints, rules, licences, doctests, tests

check: ## the quick part of it, before a commit: format, lints, rules
	@$(MAKE) --no-print-directory lint house

lint:
	@echo "── format and lints"
	@$(CARGO) fmt --all -- --check
	@$(CARGO) clippy --locked --workspace --all-targets --quiet -- -D warnings

house:
	@echo "── the rules of the house"
	@$(CARGO) run --locked --quiet -p xtask -- deps
	@$(CARGO) run --locked --quiet -p xtask -- docs --check
	@$(CARGO) run --locked --quiet -p xtask -- house

deny: $(DENY)
	@echo "── licences, sources and versions of the dependencies"
	@scripts/deny.sh $(DENY)

$(TOOLS)/bin/cargo-deny:
	@echo "── building cargo-deny $(DENY_VERSION) once, under $(TOOLS) (some minutes)"
	@CARGO_TARGET_DIR=$(TOOLS)/build $(CARGO) install --quiet --locked --root $(TOOLS) --version $(DENY_VERSION) cargo-deny
	@rm -rf $(TOOLS)/build

# A link to a private item is for whoever reads the source; every other broken link fails.
doctest:
	@echo "── documentation and doctests"
	@RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" $(CARGO) doc --locked --workspace --no-deps --quiet
	@$(CARGO) test --locked --workspace --doc --quiet

# INSTA_UPDATE=no: a changed snapshot fails here and writes nothing; `make bless` accepts it.
unit:
	@echo "── tests"
	@$(CARGO) run --locked --quiet -p omnivale-cli -- metrics-data import \
		|| echo "METEOR's tables are not here: its parity tests report themselves skipped"
	@if command -v cargo-nextest >/dev/null; then \
		INSTA_UPDATE=no $(CARGO) nextest run --locked --workspace; \
	else \
		echo "(cargo-nextest is not installed: running cargo test, the same tests in a plainer runner)"; \
		INSTA_UPDATE=no $(CARGO) test --locked --workspace --lib --bins --tests; \
	fi

bless: ## accept what changed: snapshots and the generated parts of the documents
	@INSTA_UPDATE=always INSTA_FORCE_PASS=1 $(CARGO) test --quiet --workspace --lib --bins --tests
	@$(CARGO) run --quiet -p xtask -- docs
	@git status --short

bench: setup ## measure against the peers; prints rows for BENCHMARKS.md (long)
	@$(CARGO) build --release --locked -p omnivale-cli
	@$(CARGO) build --release --locked -p omnivale-signal --example mfcc_speed
	@scripts/bench/peers.sh
	@scripts/bench/bench.py all

clean: ## remove what the build and the demo wrote
	@$(CARGO) clean
	@rm -rf demo
