# The demo shop: a server for each release, the generator, the traffic driver, and the folders of
# the releases, put together in $(BUILD)/shop from what is committed and what is built.

SHOP          := $(BUILD)/shop
SHOP_RELEASES := 1 2 3
SHOP_PROGRAMS := $(SHOP)/shop-generate $(SHOP)/shop-traffic
SHOP_DAEMONS  := $(foreach r,$(SHOP_RELEASES),$(SHOP)/release$(r)/code/bin/shopd)

SHOP_SQL := $(wildcard tests/shop/server/sql/*.sql tests/shop/generate/*.sql)
SHOP_GEN := $(patsubst %,$(BUILD)/gen/%.h,$(SHOP_SQL))

SHOP_COMMON := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/shop/common/*.c)))
SHOP_LDLIBS := -Wl,--as-needed $(PKG_LIBS) -lm

shop_objects = $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/shop/$(1)/*.c))) $(SHOP_COMMON)

$(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/shop/*/*.c)): | $(SHOP_GEN)

# mysql.h names banned functions in its macros: it has to be read before the ban.
$(BUILD)/tests/shop/generate/mariadb_fill.o: CPPFLAGS := -include mysql.h $(CPPFLAGS)
$(SHOP)/objects%/mariadb.o: CPPFLAGS := -include mysql.h $(CPPFLAGS)

$(SHOP)/shop-generate: $(call shop_objects,generate)
$(SHOP)/shop-traffic: $(call shop_objects,traffic)
$(SHOP_PROGRAMS): $(call archive,lib/base)
	@mkdir -p $(@D)
	@echo "  ld   $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(SHOP_LDLIBS)

# $(1): the release. Its objects are its own: RELEASE decides what they do.
define shop_release
SHOP_OBJECTS_$(1) := $(patsubst tests/shop/server/%.c,$(SHOP)/objects$(1)/%.o,$(sort $(wildcard tests/shop/server/*.c)))
$$(SHOP_OBJECTS_$(1)): $(SHOP)/objects$(1)/%.o: tests/shop/server/%.c | $(SHOP_GEN)
	@mkdir -p $$(@D)
	@echo "  cc   $$< (release $(1))"
	$$(Q)$$(CC) $$(CPPFLAGS) -DRELEASE=$(1) $$(CFLAGS) -MMD -MP -c -o $$@ $$<
$(SHOP)/release$(1)/code/bin/shopd: $$(SHOP_OBJECTS_$(1)) $$(SHOP_COMMON) $(call archive,lib/base)
	@mkdir -p $$(@D)
	@echo "  ld   $$@"
	$$(Q)$$(CC) $$(LDFLAGS) -o $$@ $$^ $(SHOP_LDLIBS)
endef
$(foreach r,$(SHOP_RELEASES),$(eval $(call shop_release,$(r))))

.PHONY: shop
shop: $(SHOP_PROGRAMS) $(SHOP_DAEMONS)
	$(Q)cp tests/shop/production.yaml.in $(SHOP)/
	$(Q)for r in $(SHOP_RELEASES); do cp -RP tests/shop/release$$r/. $(SHOP)/release$$r/ || exit; done
