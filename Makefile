# Cross-platform data synchronization: everything is built into build/.
#   make          the programs, in build/bin          make test     all tests, on a Redis and PostgreSQL of their own
#   make run      installs, builds, starts a stack    make bench    figures (QUICK=1: under a minute)
#   make deps     what is missing from Debian         make lint     layers, names, formatting, clang-tidy
#   make SAN=1    everything with address and undefined-behaviour sanitizers, in build-san/

B        := build
CC       ?= gcc
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
WERROR   ?= -Werror
OPTIMIZE := -O2 -g
ifdef SAN
B        := build-san
OPTIMIZE := -O1 -g -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined
endif

LIBS_COMMON := libpq hiredis libevent json-c libjwt libcrypto libconfig
CPPFLAGS += -D_GNU_SOURCE -Icommon -I$(B)/gen $(shell pkg-config --cflags $(LIBS_COMMON) 2>/dev/null)
CFLAGS   += -std=c11 $(OPTIMIZE) $(WARNINGS) $(WERROR) -fstack-protector-strong
LDFLAGS  += $(if $(SAN),-fsanitize=address$(comma)undefined) -Wl,-z,relro,-z,now
LDLIBS   := $(shell pkg-config --libs $(LIBS_COMMON) 2>/dev/null)
LDLIBS_CURL := $(shell pkg-config --libs libcurl 2>/dev/null)
LDLIBS_CHECK := $(shell pkg-config --libs check 2>/dev/null)
comma    := ,

SERVICES := api-gateway router worker resolver monitor
PROGRAMS := $(SERVICES:%=$(B)/bin/%) $(B)/bin/syncctl $(B)/bin/fake-platform

SQL  := $(sort $(wildcard common/sql/*.sql))
LUA  := $(sort $(wildcard common/lua/*.lua))
MIGR := $(sort $(wildcard common/sql/migrate/*.sql))

COMMON_SRC := $(wildcard common/*.c)
COMMON_OBJ := $(COMMON_SRC:%.c=$(B)/obj/%.o) $(B)/obj/gen/sql.o $(B)/obj/gen/lua.o $(B)/obj/gen/migrations.o
UNIT_SRC   := $(wildcard tests/unit/test_*.c)
UNIT_BIN   := $(UNIT_SRC:tests/unit/%.c=$(B)/tests/%)

all: $(PROGRAMS)
.PHONY: all
.SECONDARY:

$(B)/gen/sql.h: $(SQL) tools/embed
	@mkdir -p $(@D) && tools/embed -h sql $(SQL) > $@
$(B)/gen/sql.c: $(SQL) tools/embed
	@mkdir -p $(@D) && tools/embed sql $(SQL) > $@
$(B)/gen/lua.h: $(LUA) tools/embed
	@mkdir -p $(@D) && tools/embed -h lua $(LUA) > $@
$(B)/gen/lua.c: $(LUA) tools/embed
	@mkdir -p $(@D) && tools/embed lua $(LUA) > $@
$(B)/gen/migrations.c: $(MIGR) tools/embed-migrations
	@mkdir -p $(@D) && tools/embed-migrations $(MIGR) > $@

$(B)/obj/gen/%.o: $(B)/gen/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(B)/obj/%.o: %.c | $(B)/gen/sql.h $(B)/gen/lua.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/libcommon.a: $(COMMON_OBJ)
	@rm -f $@
	ar rcs $@ $^

define program
$(B)/bin/$(1): $$(patsubst %.c,$(B)/obj/%.o,$$(wildcard $(2)/*.c)) $(B)/libcommon.a
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(LDLIBS) $(3)
endef
$(eval $(call program,api-gateway,api-gateway))
$(eval $(call program,router,router))
$(eval $(call program,worker,worker,$(LDLIBS_CURL)))
$(eval $(call program,resolver,resolver))
$(eval $(call program,monitor,monitor))
$(eval $(call program,syncctl,ctl))
$(eval $(call program,fake-platform,tests/fake-platform))

# Unit tests may look inside a service: its modules except main.c are linked in when the test is named after them (test_<module>.c).
SERVICE_OBJ := $(filter-out %/main.o,$(patsubst %.c,$(B)/obj/%.o,$(foreach s,api-gateway router worker resolver monitor,$(wildcard $(s)/*.c))))
$(B)/services.a: $(SERVICE_OBJ)
	@rm -f $@
	ar rcs $@ $^
$(B)/tests/test_%: $(B)/obj/tests/unit/test_%.o $(B)/services.a $(B)/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) $(LDLIBS_CURL) $(LDLIBS_CHECK)

-include $(wildcard $(B)/obj/*/*.d $(B)/obj/*/*/*.d)
