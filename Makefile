# rehearse: build, test, lint, bench. `make help` lists the targets.
#
# One static archive per module, so that a unit test links only what its module may include; the
# same table is what `make lint` holds the include lines against.

BUILD  ?= build
CC     ?= gcc
V      ?= 0
JOBS   ?= $(shell nproc)
PREFIX ?= /usr/local
MAKEFLAGS += --no-builtin-rules
# A make started by this one shares its jobs.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(JOBS)
endif
Q := $(if $(filter 1,$(V)),,@)

comma := ,
VERSION := $(shell cat VERSION)

# ---- modules: folder, what it may include, libraries behind it --------------------------------
MODULES := lib/base lib/sql lib/env lib/ssh lib/store lib/db lib/wire lib/box lib/journal lib/seal lib/bundle \
           snapshot restore migrate replay rehearse
LIBS_ALL := lib/base lib/sql lib/env lib/ssh lib/store lib/db lib/wire lib/box lib/journal lib/seal lib/bundle

USES_lib/base    :=
USES_lib/sql     := lib/base
USES_lib/env     := lib/base
USES_lib/ssh     := lib/base
USES_lib/store   := lib/base lib/ssh
USES_lib/db      := lib/base lib/sql
USES_lib/wire    := lib/base
USES_lib/box     := lib/base lib/env lib/db lib/ssh
USES_lib/journal := lib/base
USES_lib/seal    := lib/base
USES_lib/bundle  := lib/base lib/store lib/seal lib/ssh
USES_snapshot    := $(LIBS_ALL)
USES_restore     := $(LIBS_ALL)
USES_migrate     := $(LIBS_ALL)
USES_replay      := $(LIBS_ALL)
USES_rehearse    := $(LIBS_ALL) snapshot restore migrate replay

PKGS := libarchive libzstd libpq libmariadb libssh2 libcyaml yaml-0.1 jansson libcrypto libsodium libpcap libmicrohttpd libcurl
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null | sed 's/-I/-isystem /g')
PKG_LIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
LLHTTP_DIR := /usr/share/llhttp
LLHTTP_INC := /usr/share/include/llhttp

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes \
  -Wmissing-prototypes -Wold-style-definition -Wpointer-arith -Wwrite-strings -Wcast-qual \
  -Wformat=2 -Wundef -Wvla -Wswitch-enum -Wimplicit-fallthrough -Wdouble-promotion \
  -Wnull-dereference -Wno-missing-field-initializers -Wno-overlength-strings
ifneq ($(findstring clang,$(CC)),clang)
WARN += -Wduplicated-cond -Wlogical-op
endif
ifeq ($(DEV),1)
WARN += -Werror
endif
ifdef SAN
override BUILD := $(BUILD)-$(subst $(comma),-,$(SAN))
HARDEN := -O1 -g -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all -fno-common
LDHARDEN := -fsanitize=$(SAN)
else
HARDEN := -O2 -g -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -fPIE -fno-common
LDHARDEN := -pie -Wl,-z,relro,-z,now
endif
ifeq ($(FUZZ),1)
HARDEN := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=all -fno-common
LDHARDEN := -fsanitize=address,undefined
endif
ifeq ($(COVER),1)
HARDEN := -O0 -g --coverage -fno-common
LDHARDEN := --coverage
endif

CPPFLAGS := -D_GNU_SOURCE -include lib/base/ban.h -DREHEARSE_VERSION='"$(VERSION)"' -I. -I$(BUILD)/gen -isystem $(LLHTTP_INC) $(PKG_CFLAGS)
CFLAGS   := -std=c17 $(WARN) $(HARDEN) -pthread
LDFLAGS  := $(LDHARDEN) -pthread
LDLIBS   := -Wl,--as-needed $(PKG_LIBS) -lpg_query -lm

archive = $(BUILD)/$(subst /,_,$(1)).a
sources = $(sort $(wildcard $(1)/*.c))
objects = $(patsubst %.c,$(BUILD)/%.o,$(call sources,$(1)))
# Texts (SQL, CSS, scripts) that a module embeds as C string literals.
TEXTS := $(foreach m,$(MODULES),$(wildcard $(m)/*.sql $(m)/*.awk $(m)/*.css $(m)/*.js $(m)/*.html))
GEN   := $(patsubst %,$(BUILD)/gen/%.h,$(TEXTS))

BIN := $(BUILD)/bin/rehearse

.PHONY: all
all: $(BIN)

include scripts/rules.mk
