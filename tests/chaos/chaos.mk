# chaos.mk: the fault proxy, and `make chaos SEED=1 MINUTES=2 [REPLICAS=2] [EDITS=1]` (tests/chaos/main.c says what it proves).
$(eval $(call program,fault-proxy,tests/fault-proxy))
all: $(B)/bin/fault-proxy

SEED     ?= 1
MINUTES  ?= 2
REPLICAS ?= 1
$(B)/chaos/chaos: $(patsubst %.c,$(B)/obj/%.o,$(wildcard tests/chaos/*.c)) $(B)/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
chaos:
	@tools/deps
	@$(MAKE) --no-print-directory -j$(JOBS) all $(B)/chaos/chaos
	@tests/chaos/run --seed $(SEED) --minutes $(MINUTES) --replicas $(REPLICAS) $(if $(EDITS),--edits) $(CHAOS_OPTIONS)
# One bug at a time in a copy of the tree: is it found? WORD=sweep for those whose names hold it.
chaos-mutants:
	@tools/deps
	@$(MAKE) --no-print-directory -j$(JOBS) all $(B)/chaos/chaos
	@tests/chaos/mutants/run $(WORD)
.PHONY: chaos chaos-mutants
