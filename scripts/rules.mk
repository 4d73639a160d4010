# How things are made; what there is stands in the Makefile.

.DELETE_ON_ERROR:
.SECONDARY:

$(BUILD)/gen/%.h: % scripts/embed
	@mkdir -p $(@D)
	$(Q)scripts/embed $< >$@

# mysql.h names banned functions in its macros: it has to be read before the ban.
$(BUILD)/lib/db/my.o: CPPFLAGS := -include mysql.h $(CPPFLAGS)
$(BUILD)/lib/db/my_%.o: CPPFLAGS := -include mysql.h $(CPPFLAGS)

$(BUILD)/%.o: %.c | $(GEN)
	@mkdir -p $(@D)
	@echo "  cc   $<"
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/llhttp/%.o: $(LLHTTP_DIR)/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) -O2 -g -fPIE -w -isystem $(LLHTTP_INC) -c -o $@ $<

LLHTTP_A := $(BUILD)/llhttp.a
$(LLHTTP_A): $(patsubst $(LLHTTP_DIR)/%.c,$(BUILD)/llhttp/%.o,$(wildcard $(LLHTTP_DIR)/*.c))
	$(Q)rm -f $@ && ar rcs $@ $^

define module_rule
$$(call archive,$(1)): $$(call objects,$(1))
	@mkdir -p $$(@D)
	$$(Q)rm -f $$@ && ar rcs $$@ $$^
endef
$(foreach m,$(MODULES),$(eval $(call module_rule,$(m))))

ARCHIVES := $(foreach m,$(MODULES),$(call archive,$(m)))

$(BIN): $(ARCHIVES) $(LLHTTP_A)
	@mkdir -p $(@D)
	@echo "  ld   $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $(BUILD)/rehearse/main.o -Wl,--start-group $(ARCHIVES) $(LLHTTP_A) -Wl,--end-group $(LDLIBS)

# ---- unit tests: tests/unit/MODULE/*_test.c, one program each ------------------------------------
# What tests/fake/fault.h can make fail.
WRAPPED := malloc calloc realloc strdup write pwrite fsync fdatasync ftruncate rename renameat
WRAP    := $(patsubst %,-Wl$(comma)--wrap=%,$(WRAPPED))
define unit_rule
UNIT_$(1) := $$(patsubst %.c,$(BUILD)/%,$$(sort $$(wildcard tests/unit/$(1)/*_test.c)))
$$(UNIT_$(1)): $(BUILD)/%: $(BUILD)/%.o $(call archive,$(1)) $(foreach u,$(USES_$(1)),$(call archive,$(u))) $(BUILD)/fake.a $(LLHTTP_A)
	@echo "  ld   $$@"
	$$(Q)$$(CC) $$(LDFLAGS) $$(WRAP) -o $$@ $$< -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $$(LDLIBS) -lcmocka
UNITS += $$(UNIT_$(1))
endef
$(foreach m,$(MODULES),$(eval $(call unit_rule,$(m))))

$(BUILD)/fake.a: $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/fake/*.c)))
	@mkdir -p $(@D)
	$(Q)rm -f $@ && ar rcs $@ $^

.PHONY: unit-programs
unit-programs: $(UNITS)
## unit         unit tests; M=lib/base: of one module
.PHONY: unit
unit: $(if $(M),$(UNIT_$(M)),$(UNITS))
	@scripts/run-units $^
## check        the same; SAN=address,undefined or SAN=thread: under sanitizers
.PHONY: check
check: unit

-include tests/shop/rules.mk
-include tests/crash/rules.mk

# ---- tests of the whole program -----------------------------------------------------------------
## cli          command lines against their exact output (tests/cli)
## accept       write the expected output of `make cli` anew; M=CASE: of one case
CLI_CASES := $(sort $(wildcard tests/cli/$(if $(M),$(M),*).case))
.PHONY: cli accept
cli: $(BIN)
	@scripts/run-cli $(BIN) $(CLI_CASES)
accept: $(BIN)
	@scripts/run-cli --accept $(BIN) $(CLI_CASES)

## e2e          end-to-end tests with real servers; M=NAME: one of them
.PHONY: e2e
e2e: $(BIN) shop crash-programs
	@BUILD=$(BUILD) scripts/run-scripts $(sort $(wildcard tests/e2e/$(if $(M),$(M),*).sh))

## load         50 snapshots of each engine while others write, each restored and asked (some 10 minutes)
.PHONY: load
load: $(BIN)
	@scripts/install-deps test
	@BUILD=$(BUILD) LOAD_ROUNDS=$${LOAD_ROUNDS:-50} tests/e2e/load.sh

## mysql        a real MySQL as the source: 5.6.24, which npm has and Debian has not (a minute or two)
.PHONY: mysql
mysql: $(BIN)
	@BUILD=$(BUILD) tests/mysql/mysql.sh

## test         all tests; installs what they need
.PHONY: test
test:
	@MAKE="$(MAKE)" BUILD=$(BUILD) scripts/test

# ---- fuzzing: tests/fuzz/NAME_fuzz.c, seeds in tests/fuzz/corpus/NAME ----------------------------
# A build of its own: clang, with coverage in every module. FUZZ=1 is set by the targets below.
FUZZERS := $(patsubst tests/fuzz/%.c,$(BUILD)/bin/%,$(sort $(wildcard tests/fuzz/$(if $(M),$(M),*)_fuzz.c)))
FUZZ_ARCHIVES := $(foreach m,$(filter-out rehearse,$(MODULES)),$(call archive,$(m))) $(BUILD)/fake.a $(LLHTTP_A)
$(BUILD)/bin/%_fuzz: $(BUILD)/tests/fuzz/%_fuzz.o $(FUZZ_ARCHIVES)
	@mkdir -p $(@D)
	@echo "  ld   $@"
	$(Q)$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $< -Wl,--start-group $(FUZZ_ARCHIVES) -Wl,--end-group $(LDLIBS)
# The same target over files, with any compiler and sanitizer: bin/NAME_replay FILE...
$(BUILD)/bin/%_replay: $(BUILD)/tests/fuzz/%_fuzz.o $(BUILD)/tests/fuzz/main.o $(FUZZ_ARCHIVES)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(FUZZ_ARCHIVES) -Wl,--end-group $(LDLIBS)

.PHONY: fuzz-programs fuzz-run fuzz-smoke fuzz
fuzz-programs: $(FUZZERS)
fuzz-run: $(FUZZERS)
	@scripts/run-fuzz $(BUILD) $^
## fuzz-smoke   every fuzz target for FUZZ_S seconds (6)
fuzz-smoke:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)-fuzz CC=clang FUZZ=1 fuzz-run
## fuzz         the same for 300 seconds each; M=NAME: one target
fuzz:
	@FUZZ_S=$${FUZZ_S:-300} $(MAKE) --no-print-directory BUILD=$(BUILD)-fuzz CC=clang FUZZ=1 fuzz-run

# ---- checks of the source ------------------------------------------------------------------------
## lint         layering, sizes, complexity, format, cppcheck
## format       bring all C into the one form
.PHONY: lint format
lint:
	@BUILD=$(BUILD) MODULES="$(MODULES)" $(foreach m,$(MODULES),$(if $(USES_$(m)),USES_$(subst /,_,$(m))="$(USES_$(m))")) scripts/lint
format:
	@scripts/format

## cover        unit tests with coverage: a summary, and HTML in BUILD-cover/cover
.PHONY: cover cover-run
cover:
	@scripts/install-deps cover
	@$(MAKE) --no-print-directory BUILD=$(BUILD)-cover COVER=1 cover-run
cover-run: unit
	@mkdir -p $(BUILD)/cover
	@gcovr -r . --object-directory $(BUILD) --exclude tests/ --exclude $(BUILD)/ --print-summary \
	  --html-details $(BUILD)/cover/index.html $(BUILD) | tail -n 4

# ---- documents and installation ------------------------------------------------------------------
## man          manual pages and the bash completion, from the option tables
.PHONY: man
man: $(BIN)
	@scripts/make-man $(BIN) $(BUILD)/man

## install      to DESTDIR and PREFIX (/usr/local)
.PHONY: install
install: $(BIN) man
	install -D -m 755 $(BIN) $(DESTDIR)$(PREFIX)/bin/rehearse
	install -d $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install -m 644 $(BUILD)/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	install -m 644 $(BUILD)/man/rehearse.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/rehearse

# ---- the whole thing -----------------------------------------------------------------------------
## demo         the main job on the demo shop: a good release and a bad one
## bench        figures against other tools; BENCH=NAME,NAME: some of them
## fresh        `make demo` and `make test` in a new Debian root
$(BUILD)/tests/bench/segments: $(BUILD)/tests/bench/segments.o $(ARCHIVES)
	@echo "  ld   $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $< -Wl,--start-group $(ARCHIVES) -Wl,--end-group $(LDLIBS)
.PHONY: demo bench fresh
demo:
	@MAKE="$(MAKE)" BUILD=$(BUILD) scripts/demo.sh
bench:
	@scripts/install-deps bench
	@$(MAKE) --no-print-directory BUILD=$(BUILD) $(BIN) shop $(BUILD)/tests/bench/segments
	@MAKE="$(MAKE)" BUILD=$(BUILD) BENCH="$(BENCH)" scripts/bench.sh
fresh:
	@scripts/install-deps fresh
	@scripts/fresh

## clean        remove BUILD and what was built beside it
.PHONY: clean
clean:
	rm -rf $(BUILD) $(BUILD)-fuzz $(BUILD)-cover $(BUILD)-address* $(BUILD)-thread* $(BUILD)-undefined*
## help         this list
.PHONY: help
help:
	@echo "make TARGET [BUILD=folder] [CC=gcc|clang] [DEV=1] [SAN=...] [M=...]"; echo
	@echo "  all          the program, in BUILD/bin"
	@sed -n "s/^## /  /p" scripts/rules.mk tests/crash/rules.mk

-include $(shell find $(BUILD) -path $(BUILD)/packages -prune -o -name '*.d' -print 2>/dev/null)
