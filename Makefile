# Each target is a stage of the gate, and each stage is a script of .ci/stages: `make NAME` here and
# the stage NAME in CI are the same thing. `make` or `make help` lists them.

STAGES := format tidy deny clippy test test-pipe test-fake-kqueue test-faults \
	test-faults-kqueue features msrv doc examples bench-check cost abuse loom valgrind asan tsan \
	fuzz package cross-check cross-link setup mutants-check loom-full mutants-sample mutants

.DEFAULT_GOAL := help
.PHONY: help ci ci-full dev fix watch clean-ci bench bench-render budget soak $(STAGES)

# What the stage `fuzz` is asked for; SECONDS is a name that a shell has other ideas about.
fuzz: export FUZZ_SECONDS := $(SECONDS)
fuzz: export FUZZ_TARGET := $(TARGET)
fuzz: export FUZZ_REPLAY := $(REPLAY)
fuzz: export FUZZ_SEEDS := $(SEEDS)

# Where `make bench` builds, the library's examples and the bench's programs side by side.
BENCH_TARGET := $(or $(CARGO_TARGET_DIR),target)
REPORT := cargo run --release --manifest-path bench/Cargo.toml --target-dir $(BENCH_TARGET)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1	\2/p' Makefile | expand -t 18

ci: ## the gate: every stage below in order, with its time and its budget
	@bash .ci/run

ci-full: ## the gate, and what takes longer
	@bash .ci/run full

dev: fix tidy clippy test ## what to run before a commit: formats, then the quick stages

fix: ## formats every source file
	cargo fmt --all

watch: ## runs the tests again whenever a source file has changed (needs entr)
	git ls-files '*.rs' '*.toml' | entr -c cargo test --workspace

budget: ## counts as `make cost` does, and makes it the budget (bench/budget.toml)
	@bash .ci/stages/cost.sh --write

bench: ## every library side by side, 15 minutes (MINUTES=n) after the build; SCENARIO=x: that one
	cargo build --release --examples --target-dir $(BENCH_TARGET)
	cargo build --release --features peers --manifest-path bench/Cargo.toml \
		--target-dir $(BENCH_TARGET)
	$(REPORT) --features peers --bin report -- \
		$(foreach name,$(SCENARIO),--scenario $(name)) \
		$(if $(QUICK),--quick) $(if $(MINUTES),--minutes $(MINUTES))

bench-render: ## its report and chart again, from the rows that are there
	$(REPORT) --bin report -- --render

soak: ## as `abuse`, a minute or longer: MINUTES=60 SERVERS=4 CONNECTIONS=100000 (of each)
	@$(REPORT) --bin soak -- $(if $(MINUTES),--minutes $(MINUTES)) \
		$(if $(SERVERS),--servers $(SERVERS)) $(if $(CONNECTIONS),--connections $(CONNECTIONS))

clean-ci: ## removes what the stages built and downloaded
	rm -rf target/ci

format: ## rustfmt agrees with every file
tidy: ## layering, sizes and manners of the sources
deny: ## the dependencies: which there may be, their licences, where they come from
clippy: ## no warning from rustc or clippy
test: ## the test command of the README, and the examples in the documentation of every feature
test-pipe: ## the suite over the pipe notifier
test-fake-kqueue: ## the suite over the kqueue selector, on a fake kevent
test-faults: ## the suite with the Nth system call made to fail, and random schedules
test-faults-kqueue: ## the fault sweeps over the fake kevent and the pipe notifier
features: ## each feature alone, and none
msrv: ## the oldest promised compiler builds everything
doc: ## the documentation, without a warning
examples: ## the example programs, driven by nc, socat, curl, iperf3 and the load generator
bench-check: ## the benchmark package: no warning, its own tests
cost: ## instructions, system calls and bytes against bench/budget.toml
abuse: ## a server at its limit of descriptors, under signals and peers of every bad kind
loom: ## the lock-free parts in every interleaving, which it counts
loom-full: ## the same with one interruption more (in ci-full only)
fuzz: ## the fuzz targets; SECONDS=600: each so long; TARGET=wheel: that one (fuzz/README.md)
valgrind: ## tests of tasks under memcheck: no wrong access, no block left
asan: ## the whole suite under AddressSanitizer and LeakSanitizer
tsan: ## the tests with several threads under ThreadSanitizer, std with them
mutants-check: ## the list of what survives mutation testing fits the sources
mutants-sample: ## a part of what `mutants` does, another one with each commit
mutants: ## breaks the library in a thousand places: a test notices (in ci-full only)
package: ## both crates as they would be published
cross-check: ## rustc and clippy for macOS, iOS, the BSDs, Android and musl
cross-link: ## test binaries linked for macOS, FreeBSD, NetBSD and OpenBSD
setup: ## installs what the stages need (Debian, as root)

$(STAGES):
	@bash .ci/stages/$@.sh
