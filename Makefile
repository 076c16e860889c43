# Cross-platform data synchronization: everything is built into build/.
#   make          the programs, in build/bin          make test     all tests, on a Redis and PostgreSQL of their own
#   make run      installs, builds, starts a stack    make bench    figures (QUICK=1: under a minute)
#   make deps     what is missing from Debian         make lint     layers, names, formatting, clang-tidy
#   make simulate real decisions in a world of models: SEED=1 STEPS=1000000 (docs/simulation.md)
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

LIBS_COMMON := libpq hiredis libevent json-c libjwt libcrypto libconfig libcurl
CPPFLAGS += -D_GNU_SOURCE -I. -Icommon -I$(B)/gen $(shell pkg-config --cflags $(LIBS_COMMON) 2>/dev/null)
CFLAGS   += -std=c11 $(OPTIMIZE) $(WARNINGS) $(WERROR) -fstack-protector-strong
LDFLAGS  += $(if $(SAN),-fsanitize=address$(comma)undefined) -Wl,--as-needed,-z,relro,-z,now
LDLIBS   := $(shell pkg-config --libs $(LIBS_COMMON) 2>/dev/null)
LDLIBS_CHECK := $(shell pkg-config --libs check 2>/dev/null)
comma    := ,

SERVICES := api-gateway router worker resolver monitor
PROGRAMS := $(SERVICES:%=$(B)/bin/%) $(B)/bin/syncctl $(B)/bin/fake-platform

SQL  := $(sort $(wildcard common/sql/*.sql))
LUA  := $(sort $(wildcard common/lua/*.lua))
# GraphQL: common/graphql/NAME.graphql, one operation with one root field, is the text graphql_NAME in "graphql_documents.h".
GRAPHQL := $(sort $(wildcard common/graphql/*.graphql))
MIGR := $(sort $(wildcard common/sql/migrate/*.sql))

COMMON_SRC := $(wildcard common/*.c)
COMMON_OBJ := $(COMMON_SRC:%.c=$(B)/obj/%.o) $(B)/obj/gen/config.o $(B)/obj/gen/sql.o $(B)/obj/gen/lua.o $(B)/obj/gen/migrations.o $(B)/obj/gen/graphql_documents.o
UNIT_SRC   := $(wildcard tests/unit/test_*.c)
UNIT_BIN   := $(UNIT_SRC:tests/unit/%.c=$(B)/tests/%)
FLOW_SRC   := $(wildcard tests/flow/flow_*.c)
FLOW_BIN   := $(FLOW_SRC:tests/flow/%.c=$(B)/tests/%)
TEST_SRC   := $(UNIT_SRC) $(FLOW_SRC)
FORMATTED  := $(wildcard common/*.c $(SERVICES:%=%/*.c) ctl/*.c tests/*/*.c)

all: $(PROGRAMS)
.PHONY: all
.SECONDARY:

$(B)/gen/sql.h: $(SQL) tools/embed
	@mkdir -p $(@D) && tools/embed -h sql $(SQL) > $@
# Statements that say what they return are called as functions of the database: planned once per connection.
FUNCTIONS := $(shell grep -l '^-- returns: ' $(SQL))
$(B)/gen/sql.c: $(SQL) tools/embed tools/embed-functions
	@mkdir -p $(@D) && tools/embed sql $(filter-out $(FUNCTIONS),$(SQL)) > $@ && tools/embed-functions calls $(FUNCTIONS) >> $@
$(B)/gen/lua.h: $(LUA) tools/embed
	@mkdir -p $(@D) && tools/embed -h lua $(LUA) > $@
$(B)/gen/lua.c: $(LUA) tools/embed
	@mkdir -p $(@D) && tools/embed lua $(LUA) > $@
$(B)/gen/graphql_documents.h: $(GRAPHQL) tools/embed
	@mkdir -p $(@D) && tools/embed -h graphql $(GRAPHQL) > $@
$(B)/gen/graphql_documents.c: $(GRAPHQL) tools/embed
	@mkdir -p $(@D) && tools/embed graphql $(GRAPHQL) > $@
# The default policies hold where a file says nothing: they are part of the program.
$(B)/gen/config.c: config/policies.conf tools/embed
	@mkdir -p $(@D) && tools/embed config $< > $@
$(B)/gen/migrations.c: $(MIGR) $(FUNCTIONS) tools/embed-migrations tools/embed-functions
	@mkdir -p $(@D) && tools/embed-migrations $(MIGR) > $@ && tools/embed-functions bodies $(FUNCTIONS) >> $@

$(B)/obj/gen/%.o: $(B)/gen/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
# What stands before the C library's own must not be taken for it, and runs before a sanitizer is ready.
$(B)/obj/common/mem_guard.o: CFLAGS += -fno-builtin $(if $(SAN),-fno-sanitize=all)
$(B)/obj/%.o: %.c | $(B)/gen/sql.h $(B)/gen/lua.h $(B)/gen/graphql_documents.h
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
$(eval $(call program,worker,worker))
$(eval $(call program,resolver,resolver))
$(eval $(call program,monitor,monitor))
$(eval $(call program,syncctl,ctl))
$(eval $(call program,fake-platform,tests/fake-platform))

# Tests may look inside a program: its modules except main.c are linked in when the test is named after one of them
# (test_<module>.c) or includes one of its headers. Files beside the tests that are none themselves are linked into all.
INSIDE := $(SERVICES) ctl tests/fake-platform tests/fault-proxy tests/chaos
define inside
$(B)/inside/$(1).a: $$(patsubst %.c,$(B)/obj/%.o,$$(filter-out %/main.c,$$(wildcard $(1)/*.c)))
	@mkdir -p $$(@D) && rm -f $$@
	ar rcs $$@ $$^
endef
$(foreach s,$(INSIDE),$(eval $(call inside,$(s))))
including = $(shell grep -lE '^\#include "(\.\./)*$(1)/' $(TEST_SRC) /dev/null 2>/dev/null)
looks_into = $(or $(filter $(1),$(including_$(2))),$(if $(filter $(SERVICES),$(2)),$(wildcard $(2)/$(patsubst test_%.c,%.c,$(notdir $(1))))))
define test
$(B)/tests/$(basename $(notdir $(1))): $(B)/obj/$(1:.c=.o) $(patsubst %.c,$(B)/obj/%.o,$(2)) $(foreach s,$(INSIDE),$(if $(call looks_into,$(1),$(s)),$(B)/inside/$(s).a)) $(B)/libcommon.a
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(LDLIBS) $$(LDLIBS_CHECK)
endef
$(foreach s,$(INSIDE),$(eval including_$(s) := $(call including,$(s))))
$(foreach t,$(UNIT_SRC),$(eval $(call test,$(t),$(filter-out $(UNIT_SRC),$(wildcard tests/unit/*.c)))))
FLOW_FIXTURES := $(filter-out $(FLOW_SRC),$(wildcard tests/flow/*.c)) tests/unit/token_fixture.c tests/unit/http_client_fixture.c
$(foreach t,$(FLOW_SRC),$(eval $(call test,$(t),$(FLOW_FIXTURES))))
unit-tests: $(UNIT_BIN)
tests: $(UNIT_BIN) $(FLOW_BIN) $(B)/simulation/simulation
.PHONY: tests unit-tests

# Everything below is for people and for CI; the scripts say more at their tops.
JOBS := $(shell nproc 2>/dev/null || echo 2)
export SAN CC

deps:
	@tools/deps
run:
	@tools/deps
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@tools/demo
test:
	@tools/deps
	@$(MAKE) --no-print-directory -j$(JOBS) all tests
	@tests/run $(ONLY)
# The flow tests that have a promised number (flow_size), with that number: ONLY=word for one of them.
soak:
	@tools/deps
	@$(MAKE) --no-print-directory -j$(JOBS) all tests
	@SOAK=1 TEST_TIME_LIMIT=3600 tests/run $(or $(ONLY),$(notdir $(basename $(shell grep -lw flow_size tests/flow/flow_*.c))))
bench:
	@tools/deps
	@$(MAKE) --no-print-directory -j$(JOBS) all bench-programs
	@tests/bench/run
lint:
	@tools/lint
format:
	clang-format -i $(FORMATTED)
clean:
	rm -rf build build-san
.PHONY: deps run test soak bench lint format clean install

# Programs go to libexec: nobody types their names but systemd; syncctl is for people.
prefix      ?= /usr
bindir      ?= $(prefix)/bin
libexecdir  ?= $(prefix)/libexec/data-sync
datadir     ?= $(prefix)/share/data-sync
docdir      ?= $(prefix)/share/doc/data-sync
mandir      ?= $(prefix)/share/man
unitdir     ?= $(prefix)/lib/systemd/system
sysconfdir  ?= /etc/data-sync
INSTALL     ?= install

MAN := $(wildcard docs/man/*.[1-8])
$(B)/man/%: docs/man/% tools/man $(B)/bin/syncctl
	@mkdir -p $(@D) && BIN_DIR=$(B)/bin tools/man $< > $@

install: $(SERVICES:%=$(B)/bin/%) $(B)/bin/syncctl $(MAN:docs/man/%=$(B)/man/%)
	$(INSTALL) -d $(DESTDIR)$(bindir) $(DESTDIR)$(libexecdir) $(DESTDIR)$(datadir) $(DESTDIR)$(unitdir) $(DESTDIR)$(sysconfdir) \
	    $(DESTDIR)$(docdir)
	$(INSTALL) -m 755 $(SERVICES:%=$(B)/bin/%) $(DESTDIR)$(libexecdir)
	$(INSTALL) -m 755 $(B)/bin/syncctl $(DESTDIR)$(bindir)
	cp -R config/. $(DESTDIR)$(datadir)
	chmod -R u=rwX,go=rX $(DESTDIR)$(datadir)
	set -e; for unit in systemd/*.service systemd/*.target; do \
	    sed -e 's|/usr/libexec/data-sync|$(libexecdir)|g' -e 's|/usr/share/data-sync|$(datadir)|g' \
	        -e 's|/usr/share/doc/data-sync|$(docdir)|g' -e 's|/etc/data-sync|$(sysconfdir)|g' \
	        $$unit > $(DESTDIR)$(unitdir)/$$(basename $$unit); \
	    chmod 644 $(DESTDIR)$(unitdir)/$$(basename $$unit); done
	set -e; for page in $(MAN:docs/man/%=$(B)/man/%); do \
	    $(INSTALL) -d $(DESTDIR)$(mandir)/man$${page##*.}; \
	    $(INSTALL) -m 644 $$page $(DESTDIR)$(mandir)/man$${page##*.}; done
	$(INSTALL) -m 644 README.md docs/saleor-webhooks.graphql $(DESTDIR)$(docdir)
	test ! -f .env.example || $(INSTALL) -m 644 .env.example $(DESTDIR)$(sysconfdir)/data-sync.env.example

include $(wildcard tests/bench/bench.mk)
include $(wildcard tests/chaos/chaos.mk)
include $(wildcard tests/simulation/simulation.mk)
include $(wildcard tests/ceilings/ceilings.mk)
include $(wildcard tests/failing/failing.mk)
include $(wildcard tests/fuzz/fuzz.mk)
include $(wildcard api-gateway/gateway.mk)
-include $(wildcard $(B)/obj/*/*.d $(B)/obj/*/*/*.d)

# print-NAME: the value of a variable, for scripts (make -s print-CPPFLAGS).
print-%:
	@echo '$($*)'
