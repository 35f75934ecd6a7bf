# SPDX-License-Identifier: Apache-2.0
#
# make                 everything, into bin/            make help     all targets
# make BUILD=debug     another build, into build/debug/bin/
#
# A new source file needs no edit here: directories are wildcards.

BUILD   ?= release
PREFIX  ?= /usr/local
VERSION := 0.1.0
COMMIT  := $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)

MODES := release debug asan ubsan tsan lto pgo
ifeq ($(filter $(BUILD),$(MODES)),)
$(error BUILD=$(BUILD): choose one of $(MODES))
endif

OBJ := build/$(BUILD)
BIN := $(if $(filter release,$(BUILD)),bin,$(OBJ)/bin)

# --- flags ---------------------------------------------------------------------------------------------------------

ifeq ($(origin CC),default)
CC := gcc
endif
mode_release := -O3 -g
mode_debug   := -O1 -g -DVMM_DEBUG
mode_asan    := -O1 -g -DVMM_DEBUG -fno-omit-frame-pointer -fsanitize=address
mode_ubsan   := -O1 -g -DVMM_DEBUG -fno-omit-frame-pointer -fsanitize=undefined -fno-sanitize-recover=all
# Optimised as a whole; and with what was seen in training: `make lto`, `make pgo`. PGO=generate makes what is trained.
mode_lto     := -O3 -g -flto=auto
PGO          ?= use
mode_pgo     := -O3 -g $(if $(filter generate,$(PGO)),-fprofile-generate -fprofile-update=prefer-atomic,-fprofile-use \
	-fprofile-correction -fprofile-partial-training -Wno-missing-profile -Wno-coverage-mismatch)
mode_tsan    := -O1 -g -DVMM_DEBUG -fno-omit-frame-pointer -fsanitize=thread

WARNINGS   := -Wall -Wextra -Werror
ALL_CFLAGS := -std=gnu11 $(WARNINGS) -D_GNU_SOURCE= -I. -MMD -MP
VMM_CFLAGS := $(ALL_CFLAGS) -fPIC -fno-semantic-interposition $(mode_$(BUILD)) $(CFLAGS)
# Programs to be paged and programs that measure: no sanitizer, nothing of ours in them that could slow them down.
PLAIN_CFLAGS := $(ALL_CFLAGS) -O2 -g $(CFLAGS)
# Runs inside someone else's process, in part without libc, TLS or a stack guard; loops must not become libc calls.
PRELOAD_CFLAGS := $(ALL_CFLAGS) -O2 -g -fPIC -ffreestanding -fno-stack-protector -fcf-protection=none \
	-fno-tree-loop-distribute-patterns
PRELOAD_LDFLAGS := -Wl,-z,now -Wl,-z,defs

pkg_libs = $(or $(shell pkg-config --libs $(1) 2>/dev/null),$(2))
# Stores whose library is missing are left out: `vmm run --store` says so.
LZ4_LIBS := $(shell pkg-config --libs liblz4 2>/dev/null)
URING_LIBS := $(shell pkg-config --libs liburing 2>/dev/null)
STORE_LIBS = $(LZ4_LIBS) $(URING_LIBS) $(call pkg_libs,libxxhash,-lxxhash)
STORE_CPPFLAGS := $(if $(LZ4_LIBS),,-DVMM_WITHOUT_LZ4) $(if $(URING_LIBS),,-DVMM_WITHOUT_URING)
VMM_LIBS = $(call pkg_libs,libseccomp,-lseccomp) $(call pkg_libs,jansson,-ljansson) \
	$(STORE_LIBS) $(call pkg_libs,nettle,-lnettle) $(CORE_LIBS) -lpthread
CORE_LIBS = $(call pkg_libs,libzstd,-lzstd) -lm
CMOCKA_LIBS = $(call pkg_libs,cmocka,-lcmocka)
# For programs made from one source in one step: the dependency file goes beside the objects.
DEPS = -MF $(OBJ)/$(<:.c=.d) -MT $@
LINK = $(CC) $(filter -f%,$(mode_$(BUILD))) $(LDFLAGS) -o $@

# --- what there is -------------------------------------------------------------------------------------------------

objects = $(patsubst %.c,$(OBJ)/%.o,$(wildcard $(1)))
programs = $(patsubst %.c,$(2)/%,$(wildcard $(1)))

CORE    := $(call objects,core/*.c core/policies/*.c core/trace/*.c core/gen/*.c core/page_tables/*.c)
# Every policy once more, with the replay loop around it: core/replay/unit.h.
REPLAY  := $(call objects,core/replay/*.c) $(patsubst core/%.c,$(OBJ)/core/replay/%.o,$(wildcard core/policies/*.c))
PAGER   := $(call objects,pager/*.c pager/stores/*.c)
STORES  := $(call objects,pager/store.c pager/slab.c pager/stores/*.c)
CLI     := $(call objects,cli/*.c) $(patsubst %,$(OBJ)/%.o,$(wildcard cli/*.html))
PRELOAD := $(call objects,preload/*.c preload/*.S)
PRELOAD := $(PRELOAD:.S=.o)
MODEL   := $(call objects,tests/model/*.c)

PLAIN := $(call programs,workloads/*.c bench/*.c,$(BIN))
LIVE  := $(call programs,tests/live/*.c tests/regress/*.c,$(BIN))
UNIT  := $(call programs,tests/unit/test_*.c,$(OBJ))

.PHONY: all programs tests optimised $(MODES)
all: $(BIN)/vmm $(BIN)/trace_gen $(BIN)/libvmm.so $(BIN)/libvmm_preload.so programs
programs: $(PLAIN)
tests: $(UNIT) $(LIVE)
$(filter-out lto pgo,$(MODES)):
	$(MAKE) BUILD=$@ all

# What a build with another optimiser is for: vmm, and the benchmark of replay.
optimised: $(BIN)/vmm $(BIN)/trace_gen $(BIN)/libvmm_preload.so $(BIN)/bench/sim
lto: $(BIN)/vmm
	$(MAKE) BUILD=lto optimised
	tests/same_results.sh $(BIN)/vmm build/lto/bin/vmm
pgo: $(BIN)/vmm
	rm -rf build/pgo
	$(MAKE) BUILD=pgo PGO=generate build/pgo/bin/vmm
	bench/pgo_train.sh build/pgo/bin/vmm
	find build/pgo -name '*.o' -exec rm {} +
	rm -rf build/pgo/bin
	$(MAKE) BUILD=pgo optimised
	tests/same_results.sh $(BIN)/vmm build/pgo/bin/vmm

# --- rules ---------------------------------------------------------------------------------------------------------

.DELETE_ON_ERROR:
.SECONDARY:

$(BIN)/vmm: $(CLI) $(PAGER) $(CORE) $(REPLAY)
	@mkdir -p $(@D)
	$(LINK) -Wl,--export-dynamic-symbol='frame_*' $^ $(VMM_LIBS) -ldl

# (Policies that are loaded at run time call functions of core/frame.h.) vmm knows by its name that it is to be `vmm gen`.
$(BIN)/trace_gen: $(BIN)/vmm
	ln -sf vmm $@

$(BIN)/libvmm.so: $(CORE) $(OBJ)/pager/mark.o
	@mkdir -p $(@D)
	$(LINK) -shared -Wl,-soname,libvmm.so $^ $(CORE_LIBS)

$(BIN)/libvmm_preload.so: $(PRELOAD)
	@mkdir -p $(@D)
	$(CC) -shared $(PRELOAD_LDFLAGS) -o $@ $^

$(OBJ)/preload/%.o: preload/%.c Makefile
	@mkdir -p $(@D)
	$(CC) $(PRELOAD_CFLAGS) -c -o $@ $<

$(OBJ)/preload/%.o: preload/%.S Makefile
	@mkdir -p $(@D)
	$(CC) $(PRELOAD_CFLAGS) -c -o $@ $<

$(OBJ)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(VMM_CFLAGS) $(CPPFLAGS) -c -o $@ $<

$(OBJ)/pager/stores/%.o: CPPFLAGS += $(STORE_CPPFLAGS)

$(OBJ)/core/replay/policies/%.o: core/policies/%.c core/replay/unit.h Makefile
	@mkdir -p $(@D)
	$(CC) $(VMM_CFLAGS) $(CPPFLAGS) -include core/replay/unit.h -c -o $@ $<

# Pages of reports, as they are: their text is between _binary_cli_NAME_html_start and _end.
$(OBJ)/%.html.o: %.html Makefile
	@mkdir -p $(@D)
	$(LD) -r -b binary -z noexecstack -o $@ $<

# Only the file that prints them knows version and commit; it is compiled again when they change.
$(OBJ)/cli/version.o: CPPFLAGS += -DVMM_VERSION='"$(VERSION)"' -DVMM_COMMIT='"$(COMMIT)"'
$(OBJ)/cli/version.o: $(OBJ)/version.stamp
$(OBJ)/version.stamp: FORCE
	@mkdir -p $(@D)
	@echo '$(VERSION) $(COMMIT)' | cmp -s - $@ || echo '$(VERSION) $(COMMIT)' >$@
.PHONY: FORCE

$(BIN)/workloads/%: workloads/%.c Makefile
	@mkdir -p $(@D) $(OBJ)/$(<D)
	$(CC) $(PLAIN_CFLAGS) $(DEPS) -o $@ $< $(LDFLAGS) -lpthread -lm

$(BIN)/bench/%: bench/%.c Makefile
	@mkdir -p $(@D) $(OBJ)/$(<D)
	$(CC) $(PLAIN_CFLAGS) $(DEPS) -o $@ $< $(LDFLAGS) -lpthread -lm

# bench/core_*.c measure the core: built as it is.
$(BIN)/bench/core_%: bench/core_%.c $(CORE) Makefile
	@mkdir -p $(@D) $(OBJ)/$(<D)
	$(LINK) $(VMM_CFLAGS) $(DEPS) $< $(CORE) $(CORE_LIBS)

# Measures the core itself, so with the core's own flags.
$(BIN)/bench/sim: bench/sim.c $(CORE) $(REPLAY) Makefile
	@mkdir -p $(@D) $(OBJ)/$(<D)
	$(LINK) $(VMM_CFLAGS) $(DEPS) $< $(CORE) $(REPLAY) $(CORE_LIBS) -lpthread

# A test that needs special linker options says so in a line " * link: OPTIONS" of its opening comment.
link_options = $(shell sed -n 's/^ \* link: //p' $(1))

$(BIN)/tests/%: tests/%.c $(CORE) $(MODEL) Makefile
	@mkdir -p $(@D) $(OBJ)/$(<D)
	$(LINK) $(VMM_CFLAGS) $(DEPS) $(call link_options,$<) $< $(CORE) $(MODEL) $(CORE_LIBS) -lpthread

$(OBJ)/tests/unit/%: tests/unit/%.c $(CORE) $(REPLAY) $(MODEL) Makefile
	@mkdir -p $(@D) $(OBJ)/$(<D)
	$(LINK) $(VMM_CFLAGS) $(DEPS) $(call link_options,$<) $< $(CORE) $(REPLAY) $(MODEL) $(CMOCKA_LIBS) $(CORE_LIBS) -lpthread

# Stores are tested without the pager around them.
$(OBJ)/tests/unit/test_store_%: tests/unit/test_store_%.c $(STORES) Makefile
	@mkdir -p $(@D) $(OBJ)/$(<D)
	$(LINK) $(VMM_CFLAGS) $(DEPS) $(call link_options,$<) $< $(STORES) $(CMOCKA_LIBS) $(STORE_LIBS)

-include $(shell find $(OBJ) -name '*.d' 2>/dev/null)

# --- running -------------------------------------------------------------------------------------------------------
# Each of these installs what it needs first (as root), so the build happens in a second make.

.PHONY: demo check check-unit check-live check-apps check-apps-quick check-includes bench bench-fault bench-scan bench-stores bench-record bench-core bench-sim bench-dispatch bench-peers check-valgrind
demo:
	@.ci/deps.sh build demo
	@$(MAKE) --no-print-directory -s all
	@BIN=$(BIN) bench/demo.py

check:
	@.ci/deps.sh build check
	@$(MAKE) --no-print-directory -s all tests
	@BIN=$(BIN) OBJ=$(OBJ) tests/check.sh includes docs sim policy_files python unit live

check-unit:
	@.ci/deps.sh build
	@$(MAKE) --no-print-directory -s $(UNIT)
	@BIN=$(BIN) OBJ=$(OBJ) tests/check.sh unit

check-live:
	@.ci/deps.sh build check
	@$(MAKE) --no-print-directory -s all $(LIVE)
	@BIN=$(BIN) OBJ=$(OBJ) tests/check.sh live

check-apps:
	@.ci/deps.sh build check apps
	@$(MAKE) --no-print-directory -s all
	@BIN=$(BIN) OBJ=$(OBJ) tests/check.sh apps

check-apps-quick:
	@.ci/deps.sh build check apps
	@$(MAKE) --no-print-directory -s all
	@BIN=$(BIN) OBJ=$(OBJ) tests/check.sh apps-quick

check-valgrind:
	@.ci/deps.sh build
	@$(MAKE) --no-print-directory -s $(UNIT)
	@OBJ=$(OBJ) tests/valgrind.sh

check-includes:
	@tests/includes.sh

# Fuzzers of everything that parses, with clang's libFuzzer or with AFL++. `build/fuzz/fuzz_vmt -max_total_time=600 DIRECTORY
# tests/fuzz/corpus/vmt` keeps what it finds in DIRECTORY; tests/fuzz/run does so for all of them, with either. `make
# check-unit` runs the seed corpora with any compiler.
FUZZ_CC  ?= clang
AFL_CC   ?= $(or $(shell command -v afl-clang-fast 2>/dev/null),afl-gcc)
FUZZ_CFLAGS := $(STORE_CPPFLAGS) -std=gnu11 -O1 -g -D_GNU_SOURCE= -I. -fno-sanitize-recover=all -DVMM_VERSION='"fuzz"' -DVMM_COMMIT='""'
AFL_SANITIZE := -fsanitize=address,undefined
FUZZ_NAMES := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SOURCES := $(wildcard core/trace/*.c)
FUZZ_ALL := $(FUZZ_SOURCES) $(wildcard core/*.c core/policies/*.c core/page_tables/*.c core/gen/*.c)
fuzz_sources = tests/fuzz/$(1).c $(if $(filter fuzz_spec,$(1)),$(FUZZ_ALL),$(if $(filter fuzz_options,$(1)),$(FUZZ_ALL) \
	$(wildcard core/replay/*.c pager/*.c pager/stores/*.c) $(filter-out cli/main.c,$(wildcard cli/*.c)),$(FUZZ_SOURCES)))
fuzz_pages = $(if $(filter fuzz_options,$(1)),$(wildcard cli/*.html))
fuzz_objects = $(patsubst %.c,$(1)/%.o,$(call fuzz_sources,$(2))) $(patsubst %,$(1)/%.o,$(call fuzz_pages,$(2)))

.PHONY: fuzz fuzz-afl
ifneq ($(shell command -v $(FUZZ_CC) 2>/dev/null),)
fuzz: $(FUZZ_NAMES:%=build/fuzz/%)
else
fuzz:
	@echo '$(FUZZ_CC) is not there: apt-get install clang' >&2; exit 1
endif
ifneq ($(shell command -v $(AFL_CC) 2>/dev/null),)
fuzz-afl: $(FUZZ_NAMES:%=build/fuzz-afl/%)
else
fuzz-afl:
	@echo 'neither afl-clang-fast nor afl-gcc is there: apt-get install afl++' >&2; exit 1
endif

build/fuzz/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -MMD -MP -fsanitize=fuzzer-no-link,address,undefined -c -o $@ $<

build/fuzz-afl/%.o: %.c Makefile
	@mkdir -p $(@D)
	AFL_QUIET=1 $(AFL_CC) $(FUZZ_CFLAGS) -MMD -MP $(AFL_SANITIZE) -c -o $@ $<

build/fuzz/%.html.o build/fuzz-afl/%.html.o: %.html Makefile
	@mkdir -p $(@D)
	$(LD) -r -b binary -z noexecstack -o $@ $<

# AFL++'s driver runs an LLVMFuzzerTestOneInput; without it (afl-gcc) tests/fuzz/driver.c reads one file.
AFL_DRIVER = $(if $(findstring clang-fast,$(AFL_CC)),-fsanitize=fuzzer,tests/fuzz/driver.c)

.SECONDEXPANSION:
$(FUZZ_NAMES:%=build/fuzz/%): build/fuzz/%: $$(call fuzz_objects,build/fuzz,$$*)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer,address,undefined -o $@ $^ $(VMM_LIBS)

$(FUZZ_NAMES:%=build/fuzz-afl/%): build/fuzz-afl/%: $$(call fuzz_objects,build/fuzz-afl,$$*)
	AFL_QUIET=1 $(AFL_CC) $(FUZZ_CFLAGS) $(AFL_SANITIZE) $(AFL_DRIVER) -o $@ $^ $(VMM_LIBS)

-include $(shell find build/fuzz build/fuzz-afl -name '*.d' 2>/dev/null)

bench: bench-fault bench-scan bench-core bench-sim
bench-fault: all
	BIN=$(BIN) bench/fault.sh
bench-scan: all
	BENCH_STEP=1 BIN=$(BIN) bench/fault.sh
# Each store: what a fault costs with it, and what it takes.
bench-stores: all
	BIN=$(BIN) bench/stores.sh
bench-sim: $(BIN)/bench/sim $(BIN)/vmm
	@mkdir -p bench/results
	$(BIN)/bench/sim
	@BIN=$(BIN) bench/policy_dispatch.sh
# Its policies through their tables, inlined, compiled at run time, and by the builds of `make lto` and `make pgo`.
bench-dispatch: $(BIN)/vmm
	BIN=$(BIN) bench/policy_dispatch.sh
# The same traces through other simulators, those that are on PATH.
bench-peers: $(BIN)/vmm
	BIN=$(BIN) bench/peers.sh
# What recording costs, by window.
bench-record: all
	BIN=$(BIN) bench/record.sh
bench-core: programs
	@for b in $(filter $(BIN)/bench/core_%,$(PLAIN)); do $$b || exit 1; done

# --- house keeping -------------------------------------------------------------------------------------------------

SOURCES = $(wildcard $(foreach d,core core/policies core/trace core/gen core/page_tables core/replay pager pager/stores preload cli workloads bench \
	tests/unit tests/model tests/live tests/regress tests/fuzz,$(d)/*.c $(d)/*.h))
TIDY = $(filter core/%.c pager/%.c cli/%.c preload/%.c,$(SOURCES))

.PHONY: format check-format tidy install-deps install uninstall clean help
format:
	clang-format -i $(SOURCES)

check-format:
	clang-format --dry-run -Werror $(SOURCES)

# The analyzer cannot follow uthash's hash through the bytes of a key; any function of them will do for it.
TIDY_CFLAGS = -std=gnu11 -D_GNU_SOURCE= -DVMM_DEBUG -I. -DVMM_VERSION='"$(VERSION)"' -DVMM_COMMIT='""' \
	-D'HASH_FUNCTION(key,bytes,hash)=((hash)=(unsigned)(bytes))'

tidy:
	@printf '%s\n' $(TIDY) | xargs -P "$$(nproc)" -I{} \
		clang-tidy --quiet --warnings-as-errors='*' {} -- $(TIDY_CFLAGS)

install-deps:
	@.ci/deps.sh build demo check apps lint

HEADERS := vmm stats timing policy policy_common frame frame_age frame_list frame_heap frame_circle ghost rng
install: all
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/bin $(BIN)/vmm
	ln -sf vmm $(DESTDIR)$(PREFIX)/bin/trace_gen
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib $(BIN)/libvmm.so
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/vmm $(BIN)/libvmm_preload.so
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/include/vmm/core $(HEADERS:%=core/%.h)
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/include/vmm/core/replay core/replay/unit.h core/replay/engine.h core/replay/replay.h
	install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig
	printf '%s\n' 'prefix=$(PREFIX)' 'Name: libvmm' 'Description: page-replacement simulator' \
		'Version: $(VERSION)' 'Cflags: -I$${prefix}/include/vmm' 'Libs: -L$${prefix}/lib -lvmm' \
		>$(DESTDIR)$(PREFIX)/lib/pkgconfig/libvmm.pc

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/vmm $(DESTDIR)$(PREFIX)/bin/trace_gen $(DESTDIR)$(PREFIX)/lib/libvmm.so $(DESTDIR)$(PREFIX)/lib/pkgconfig/libvmm.pc
	rm -rf $(DESTDIR)$(PREFIX)/lib/vmm $(DESTDIR)$(PREFIX)/include/vmm

clean:
	rm -rf bin build

help:
	@echo 'make                 build everything into bin/ (BUILD=debug, asan, ubsan or tsan: build/BUILD/bin/)'
	@echo 'make demo            build, then run sqlite3 under four policies and print a table'
	@echo 'make check           build, then every test but the long ones; the last line sums up'
	@echo 'make check-unit      unit tests (also with BUILD=debug, asan, ubsan, tsan)'
	@echo 'make check-live      tests that run programs under the pager'
	@echo 'make check-apps      every application at every size and policy (long); check-apps-quick: some'
	@echo 'make check-valgrind  unit tests of the core under memcheck'
	@echo 'make lto, pgo        vmm with link-time or profile-guided optimisation, into build/lto/, build/pgo/; compared with the release build'
	@echo 'make check-includes  includes point downward only'
	@echo 'make fuzz            fuzzers of the parsers, into build/fuzz/ (needs clang); fuzz-afl: build/fuzz-afl/ (AFL++)'
	@echo 'make bench           benchmarks; bench-fault: the cost of one fault, bench-scan: of a page of a scan, bench-stores: with each store; bench-core: of the core; bench-sim: the speed of replay;'
	@echo '                     bench-dispatch: of a policy called, inlined, compiled at run time; bench-peers: of other simulators;'
	@echo '                     bench-record: what recording costs'
	@echo 'make format, check-format, tidy'
	@echo 'make install, uninstall   (PREFIX=/usr/local, DESTDIR)'
	@echo 'make install-deps    the Debian packages that all of this needs'
	@echo 'make clean'
