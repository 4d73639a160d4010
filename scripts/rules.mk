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
define unit_rule
UNIT_$(1) := $$(patsubst %.c,$(BUILD)/%,$$(sort $$(wildcard tests/unit/$(1)/*_test.c)))
$$(UNIT_$(1)): $(BUILD)/%: $(BUILD)/%.o $(call archive,$(1)) $(foreach u,$(USES_$(1)),$(call archive,$(u))) $(BUILD)/fake.a $(LLHTTP_A)
	@echo "  ld   $$@"
	$$(Q)$$(CC) $$(LDFLAGS) -o $$@ $$< -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $$(LDLIBS) -lcmocka
UNITS += $$(UNIT_$(1))
endef
$(foreach m,$(MODULES),$(eval $(call unit_rule,$(m))))

$(BUILD)/fake.a: $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/fake/*.c)))
	@mkdir -p $(@D)
	$(Q)rm -f $@ && ar rcs $@ $^

.PHONY: unit-programs
unit-programs: $(UNITS)
# `make unit M=lib/base` builds and runs the tests of one module.
.PHONY: unit
unit: $(if $(M),$(UNIT_$(M)),$(UNITS))
	@scripts/run-units $^

-include tests/shop/rules.mk

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
