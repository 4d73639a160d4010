# What tests/e2e/crash.sh needs: the library that is preloaded, and the program that replays its log.

CRASH := $(BUILD)/crash/interpose.so $(BUILD)/crash/replay

# Preloaded into programs of any build: no sanitizers. Pedantry forbids what dlsym() is for.
$(BUILD)/crash/interpose.so: tests/crash/interpose.c
	@mkdir -p $(@D)
	@echo "  ld   $@"
	$(Q)$(CC) -std=c17 -D_GNU_SOURCE $(filter-out -Wpedantic,$(WARN)) -O2 -g -fPIC -shared -o $@ $< -ldl

$(BUILD)/crash/replay: $(BUILD)/tests/crash/replay.o $(call archive,lib/base)
	@mkdir -p $(@D)
	@echo "  ld   $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $(call archive,lib/base) -Wl,--as-needed $(PKG_LIBS) -lm

.PHONY: crash-programs
crash-programs: $(CRASH)

## crash        kill -9, full disk and power loss at every call of every command on stores
.PHONY: crash
crash: $(BIN) $(CRASH)
	@BUILD=$(BUILD) CRASH_STRIDE=1 E2E_LIMIT=7200 scripts/run-scripts tests/e2e/crash.sh tests/e2e/crash_sftp.sh tests/e2e/powerloss.sh
