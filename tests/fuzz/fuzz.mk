# fuzz.mk: libFuzzer targets, included by the Makefile or used alone from the top: make -f tests/fuzz/fuzz.mk fuzz
#   make fuzz                  each target for FUZZ_SECONDS (60)       make fuzz FUZZ_SECONDS=3600
# A crash leaves its input in build/fuzz/; run the target with that file as argument to see it again.

FUZZ_SECONDS ?= 60
FB           := build/fuzz
FUZZ_CC      ?= clang
FUZZ_FLAGS   := -std=c11 -D_GNU_SOURCE -Icommon $(shell pkg-config --cflags json-c) -O1 -g -fno-omit-frame-pointer -Wall -Wextra \
                -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined
FUZZ_JSON    := $(addprefix common/,mem.c buf.c log.c clock.c timefmt.c hash.c json.c json_scan.c json_keys.c json_number.c json_string.c)
FUZZ_SEEDS   ?= $(or $(JSON_CONFORMANCE_DIR),$(wildcard ../shared/data/json-conformance))

.PHONY: fuzz
fuzz: $(FB)/fuzz_json
	@mkdir -p $(FB)/corpus_json
	$(FB)/fuzz_json -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 -verbosity=0 \
	    -dict=tests/fuzz/json.dict -artifact_prefix=$(FB)/ $(FB)/corpus_json $(FUZZ_SEEDS)

$(FB)/fuzz_json: tests/fuzz/fuzz_json.c $(FUZZ_JSON) $(wildcard common/*.h)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_FLAGS) -o $@ tests/fuzz/fuzz_json.c $(FUZZ_JSON) $(shell pkg-config --libs json-c)
