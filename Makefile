# Everything there is to do with Kastellan. `make run` shows it, `make test` checks it; both set up what is missing first.
#
#   make run         build and open the console on a living demo cluster     (ARGS="dev --port 0" for another command)
#   make test        every check there is, with a summary
#   make build       the release program, .build/release/kastellan
#   make bench       throughput and start-up figures as ratios
#   make instructions  what one record with acks=all costs three brokers, counted by valgrind
#   make simulate    whole clusters under faults, each from a seed           (SEEDS=2000 FIRST=0)
#   make chaos       broker processes killed at random under librdkafka        (KILLS=200 SEED=N)
#   make storm       every API under mutated requests                         (REQUESTS=1000000 SEED=N)
#   make conformance every behaviour with every client on every topology; its table goes into the README
#   make fuzz        the decoders of bytes from outside under libFuzzer      (FUZZ_SECONDS=60)
#   make lint        tidy and the man page's linter
#   make install     into PREFIX (/usr/local), honouring DESTDIR

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

PREFIX ?= /usr/local
ARGS ?= demo
SEEDS ?= 200
FIRST ?= 0
FUZZ_SECONDS ?= 30
REQUESTS ?= 1000000
KILLS ?= 200
SEED ?=
JOBS ?= $(shell nproc)

# One set of flags for every program: what was compiled for one is not compiled again for the next. Line tables cost an eighth of a release
# build and more than half of the program's size. Tests are found by the compiler's index, so it cannot be left out; with the modules of
# the system in it, it takes a fifth of a debug build.
RELEASE := swift build -c release --static-swift-stdlib -debug-info-format none -j $(JOBS)
DEBUG := swift build -Xswiftc -index-ignore-system-modules -Xswiftc -index-ignore-clang-modules -j $(JOBS)

PROGRAM := .build/release/kastellan
RESULTS := .build/results
VENV := .build/venv
PYTHON := $(VENV)/bin/python
KASKADE := .build/venv-kaskade

# What a fresh Debian with the Swift toolchain lacks. The first row is needed to build, the second only to test and to measure.
DEBIAN_BUILD := libncurses-dev zlib1g-dev libzstd-dev liblz4-dev libsnappy-dev libyaml-dev libssl-dev libsqlite3-dev libjq-dev pkg-config
DEBIAN_TEST := kcat librdkafka-dev openssl openssh-client mandoc tmux python3 python3-venv gcc libc6-dev

# What the console and the brokers are held against.
DEBIAN_BENCH := htop btop redis-server nats-server libhiredis-dev libnats-dev

# A crash must end the process, not open a dialogue with it.
export SWIFT_BACKTRACE := enable=no

.PHONY: help deps deps-test build run test bench instructions simulate chaos storm fuzz lint install clean
.PHONY: test-swift test-lint test-simulate test-foreign conformance kaskade foreign-clients

help:
	@sed -n '3,15s/^# \{0,3\}//p' Makefile

# install_missing PACKAGES: installs those of the Debian packages that are not there, and says so.
define install_missing
	missing=()
	for package in $(1); do
		dpkg-query -W -f='$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing+=($$package)
	done
	if [ $${#missing[@]} -gt 0 ]; then
		echo "deps: missing Debian packages: $${missing[*]}"
		if ! command -v apt-get >/dev/null; then
			echo "deps: this is not a Debian; install the equivalents of: $${missing[*]}" >&2; exit 1
		fi
		if [ "$$(id -u)" = 0 ]; then as_root=""
		elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then as_root="sudo"
		else echo "deps: not root and no sudo without a password; run: apt-get install $${missing[*]}" >&2; exit 1; fi
		echo "deps: installing them with apt-get"
		$$as_root apt-get -qq update || true
		DEBIAN_FRONTEND=noninteractive $$as_root apt-get -qq install -y --no-install-recommends "$${missing[@]}" >/dev/null
		echo "deps: installed $${missing[*]}"
	fi
	command -v swift >/dev/null || { echo "deps: no swift on PATH; install the Swift 6.2 (or later) toolchain from swift.org" >&2; exit 1; }
endef

deps:
	@$(call install_missing,$(DEBIAN_BUILD))

deps-test: deps
	@$(call install_missing,$(DEBIAN_TEST))

build: deps
	@$(RELEASE) --product kastellan

run: build
	@exec $(PROGRAM) $(ARGS)

# Each part leaves its counts in $(RESULTS); a part that fails does not keep the others from running.
test: deps-test
	@rm -rf $(RESULTS); mkdir -p $(RESULTS)
	for part in swift lint simulate foreign; do
		echo "== $$part"
		$(MAKE) --no-print-directory test-$$part || [ -s $(RESULTS)/$$part ] || echo "0 1" > $(RESULTS)/$$part
	done
	echo "== summary"
	passed=0; failed=0
	for part in swift lint simulate foreign; do
		read -r p f < $(RESULTS)/$$part
		printf '%-8s %5d passed  %3d failed\n' "$$part" "$$p" "$$f"
		passed=$$((passed + p)); failed=$$((failed + f))
	done
	echo "$$passed passed, $$failed failed"
	[ "$$failed" = 0 ]

test-swift:
	@mkdir -p $(RESULTS)
	log=$(RESULTS)/swift.log; status=0
	$(DEBUG) --build-tests 2>&1 | tee $$log.build | { grep -E 'error:|warning:|Compiling plan|Build complete' || true; } || true
	grep -q 'Build complete' $$log.build || { echo "swift: the build failed"; tail -40 $$log.build; echo "0 1" > $(RESULTS)/swift; exit 1; }
	timeout 900 swift test --skip-build > $$log 2>&1 || status=$$?
	grep -E -A40 'recorded an issue' $$log | head -400 || true
	grep -E '^✘|^.{1,6} Test run with|Fatal error|error: ' $$log | tail -60 || true
	total=$$(sed -n 's/.*Test run with \([0-9]*\) tests\{0,1\}.*/\1/p' $$log | tail -1)
	bad=$$(grep -cE '^✘ Test .* failed after' $$log || true)
	if [ -z "$$total" ]; then total=$$(grep -cE '^✔ Test .* passed after' $$log || true); bad=$$((bad + 1)); total=$$((total + bad)); tail -20 $$log; fi
	if [ $$status != 0 ] && [ $$bad = 0 ]; then bad=1; fi
	echo "$$((total - bad)) $$bad" > $(RESULTS)/swift
	[ $$bad = 0 ]

# The linter of the sources and the linter of the man pages.
lint: deps-test
	@$(DEBUG) --product tidy 2>&1 | { grep -E 'error|warning: ' || true; }
	.build/debug/tidy .
	mandoc -T lint -W warning man/*.[157]

test-lint:
	@mkdir -p $(RESULTS)
	$(DEBUG) --product tidy 2>&1 | { grep -E 'error|warning: ' || true; }
	status=0
	.build/debug/tidy . | tee $(RESULTS)/tidy.log || status=1
	counts=$$(sed -n 's/^tidy: \([0-9]*\) rules hold, \([0-9]*\) broken.*/\1 \2/p' $(RESULTS)/tidy.log)
	[ -n "$$counts" ] || counts="0 1"
	read -r p f <<< "$$counts"
	for page in man/*.[157]; do
		if mandoc -T lint -W warning $$page; then p=$$((p + 1)); else f=$$((f + 1)); fi
	done
	echo "$$p $$f" > $(RESULTS)/lint
	[ "$$f" = 0 ]

# Other people's clients against the release program. The Python ones live in a virtual environment of their own.
$(VENV)/complete: Tests/Foreign/requirements.txt
	@echo "foreign: setting up the Python clients in $(VENV)"
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r Tests/Foreign/requirements.txt
	touch $@

# kaskade, another program for Kafka's terminal, with the libraries that it wants.
$(KASKADE)/complete: Tests/Foreign/requirements-kaskade.txt
	@echo "foreign: setting up kaskade in $(KASKADE)"
	python3 -m venv $(KASKADE)
	$(KASKADE)/bin/pip install --quiet --disable-pip-version-check -r Tests/Foreign/requirements-kaskade.txt
	touch $@

kaskade: $(KASKADE)/complete

# Both wait for the network most of the time.
foreign-clients:
	@$(MAKE) --no-print-directory -j 2 $(VENV)/complete $(KASKADE)/complete

# Every row with every client on every topology, and the README's table of it.
conformance: deps-test build $(VENV)/complete
	@mkdir -p $(RESULTS)
	KASTELLAN_CONFORMANCE=full KASTELLAN_PROGRAM=$(abspath $(PROGRAM)) $(PYTHON) Tests/Foreign/matrix.py \
		--out $(RESULTS)/conformance.json --write README.md

test-foreign: build foreign-clients
	@mkdir -p $(RESULTS)
	$(DEBUG) 2>&1 | { grep -E 'error|warning: ' || true; }
	status=0
	$(PYTHON) Tests/Foreign/run.py --second-chance --program $(PROGRAM) $(ONLY) | tee $(RESULTS)/foreign.log || status=1
	counts=$$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$$/\1 \2/p' $(RESULTS)/foreign.log | tail -1)
	echo "$${counts:-0 1}" > $(RESULTS)/foreign
	[ $$status = 0 ]

.build/loader: Tests/Foreign/loader.c Tests/Foreign/pacing.h
	@mkdir -p .build
	gcc -O2 -Wall -Wextra -o $@ $< -lrdkafka -lpthread

# Redis Streams and NATS JetStream in its place.
.build/streams: Tests/Foreign/streams.c Tests/Foreign/pacing.h
	@$(call install_missing,$(DEBIAN_BENCH))
	mkdir -p .build
	gcc -O2 -Wall -Wextra -o $@ $< -lhiredis -lnats -lpthread

bench: deps-test build .build/loader .build/streams $(KASKADE)/complete
	@$(call install_missing,$(DEBIAN_BENCH))
	$(RELEASE) --product bench 2>&1 | { grep -E 'error|warning: ' || true; }
	.build/release/bench --program $(PROGRAM) --loader .build/loader --streams .build/streams --kaskade $(KASKADE)/bin/kaskade

# The same whatever else the machine does, where seconds are not.
instructions: build
	@$(call install_missing,valgrind python3)
	python3 Tests/Profile/instructions.py $(PROGRAM)

# Three processes, killed, paused, stopped and (as root) cut off; then every acknowledged record is looked for. A failing run keeps its
# directory and has printed its seed.
chaos: deps-test build $(VENV)/complete
	@KASTELLAN_PROGRAM=$(abspath $(PROGRAM)) KILLS=$(KILLS) SEED=$(SEED) $(PYTHON) Tests/Foreign/chaos.py

# Whole clusters under faults, each from one seed, run twice. The seeded drivers of single parts take KASTELLAN_SEEDS (CONTRIBUTING).
simulate: deps
	@$(RELEASE) --product simulate 2>&1 | { grep -E 'error|warning: ' || true; }
	.build/release/simulate --first $(FIRST) --seeds $(SEEDS)

# A fixed set of seeds, some fresh ones, the deliberate defects that the simulator must notice, and a storm over every API.
test-simulate: deps
	@mkdir -p $(RESULTS)
	for product in simulate storm; do
		$(RELEASE) --product $$product 2>&1 | { grep -E 'error|warning: ' || true; }
	done
	passed=0; failed=0
	count() { if "$$@"; then passed=$$((passed + 1)); else failed=$$((failed + 1)); fi; }
	count .build/release/simulate --seeds 60
	count .build/release/simulate --compaction --once --seeds 12
	count .build/release/simulate --bank 10000 --once --seeds 1
	count .build/release/simulate --first $$(date +%s) --seeds 6
	count .build/release/storm --requests 2000 --jobs $(JOBS)
	count .build/release/storm --requests 2000 --jobs $(JOBS) --seed $$(date +%s)
	if .build/release/simulate --mutations --seeds 2000 | tee $(RESULTS)/mutations.log; then :; fi
	read -r p f <<< "$$(sed -n 's/^mutations: \([0-9]*\) passed, \([0-9]*\) failed$$/\1 \2/p' $(RESULTS)/mutations.log)"
	echo "$$((passed + $${p:-0})) $$((failed + $${f:-1}))" > $(RESULTS)/simulate
	[ "$$((failed + $${f:-1}))" = 0 ]

# Each API on each listener that serves it, against whole brokers in memory.
storm: deps
	@$(RELEASE) --product storm 2>&1 | { grep -E 'error|warning: ' || true; }
	.build/release/storm --requests $(REQUESTS) --jobs $(JOBS) --seed $(or $(SEED),0)

fuzz: deps
	@FUZZ=1 swift build -c release --product fuzz --scratch-path .build/fuzz -j $(JOBS)
	.build/fuzz/release/fuzz -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=2048

install: build
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man5 $(DESTDIR)$(PREFIX)/share/man/man7 $(DESTDIR)$(PREFIX)/share/kastellan/themes
	install -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/kastellan
	install -m 644 man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	install -m 644 man/*.5 $(DESTDIR)$(PREFIX)/share/man/man5/
	install -m 644 man/*.7 $(DESTDIR)$(PREFIX)/share/man/man7/
	install -m 644 themes/*.yaml $(DESTDIR)$(PREFIX)/share/kastellan/themes/
	for shell in bash:bash-completion/completions/kastellan zsh:zsh/site-functions/_kastellan fish:fish/vendor_completions.d/kastellan.fish; do
		file=$(DESTDIR)$(PREFIX)/share/$${shell#*:}
		install -d $$(dirname $$file)
		$(PROGRAM) completion $${shell%%:*} > $$file
	done

clean:
	rm -rf .build
