# simulation.mk: `make simulate SEED=1 STEPS=1000000`: a world of real decisions, modelled stores and platforms (docs/simulation.md).
STEPS ?= 1000000
SIMULATED := $(filter-out %/main.c worker/sharing.c worker/share.c worker/share_text.c $(wildcard worker/verify*.c),$(wildcard router/*.c worker/*.c resolver/*.c))
$(B)/simulation/simulation: $(patsubst %.c,$(B)/obj/%.o,$(wildcard tests/simulation/*.c) $(SIMULATED)) $(B)/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -Wl,--wrap=uuid_v7,--wrap=digest_random,--wrap=getrandom -o $@ $^ $(LDLIBS)
simulate: $(B)/simulation/simulation
	@$< --seed $(SEED) --steps $(STEPS) $(SIMULATE_OPTIONS)
.PHONY: simulate
