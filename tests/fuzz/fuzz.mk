# fuzz.mk: `make fuzz SECONDS=20 [ONLY=json] [JOBS=2]`: each fuzzer (tests/fuzz/fuzz_NAME.c, libFuzzer with the address and
# undefined-behaviour sanitizers) for SECONDS, JOBS of them at a time; the last line is "N passed, N failed". Needs clang
# (tools/deps --fuzz). What was found worth keeping stays in build/fuzz/corpus/NAME; what crashes, in build/fuzz/NAME-crash-…: run
# build/fuzz/NAME with that file as argument to see it again.
SECONDS ?= 60
FUZZ_CC ?= clang
FB      := build/fuzz
FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
WANTED   = $(or $(foreach word,$(ONLY),$(filter $(word)%,$(FUZZERS))),$(if $(ONLY),,$(FUZZERS)))
FUZZ_FLAGS := -std=c11 -D_GNU_SOURCE -I. -Icommon $(shell pkg-config --cflags json-c libcrypto libconfig 2>/dev/null) -O1 -g \
              -fno-omit-frame-pointer $(WARNINGS) -Wno-missing-prototypes -fno-sanitize-recover=undefined
FUZZ_SANITIZE := address,undefined

# What only computes, and what it stands on. mem_guard.c is left out: memory is the sanitizer's here.
FUZZ_SRC := $(foreach module,mem buf log clock uuid map hash utf8 timefmt json money msg backoff setting email expr,common/$(module).c \
              $(wildcard common/$(module)_*.c)) $(wildcard common/platform*.c common/mapping*.c common/inbound*.c) \
            common/delivery.c common/webhook.c common/digest.c common/digest_rsa.c \
            api-gateway/http_filter.c api-gateway/http_target.c worker/bulk_answer.c worker/outcome.c
FUZZ_SRC := $(filter-out common/mem_guard.c common/platform_conf.c,$(sort $(wildcard $(FUZZ_SRC))))

$(FB)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link,$(FUZZ_SANITIZE) -MMD -MP -c -o $@ $<
$(FB)/libpure.a: $(FUZZ_SRC:%.c=$(FB)/obj/%.o)
	@rm -f $@
	ar rcs $@ $^
$(FUZZERS:%=$(FB)/%): $(FB)/%: $(FB)/obj/tests/fuzz/fuzz_%.o $(FB)/libpure.a
	$(FUZZ_CC) -fsanitize=fuzzer,$(FUZZ_SANITIZE) -o $@ $^ $(shell pkg-config --libs json-c libcrypto libconfig 2>/dev/null)
-include $(wildcard $(FB)/obj/*/*.d $(FB)/obj/*/*/*.d)

fuzzers: $(WANTED:%=$(FB)/%)
fuzz:
	@tools/deps --fuzz
	@$(MAKE) --no-print-directory -s -j$(JOBS) fuzzers
	@tests/fuzz/run $(SECONDS) $(JOBS) $(WANTED)
.PHONY: fuzz fuzzers
