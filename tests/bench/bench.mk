# bench.mk: the programs of `make bench`, in build/bench/; the benchmark itself is tests/bench/run.
BENCH_OBJ = $(patsubst %.c,$(B)/obj/%.o,$(wildcard tests/bench/load*.c))
BENCH_PROGRAMS := $(B)/bench/load $(B)/bench/bare-evhttp $(B)/bench/bare-curl

.PHONY: bench-programs
bench-programs: $(BENCH_PROGRAMS)

$(B)/bench/load: $(BENCH_OBJ) $(B)/obj/tests/fake-platform/histogram.o $(B)/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(B)/bench/bare-evhttp: $(B)/obj/tests/bench/bare_evhttp.o
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(B)/bench/bare-curl: $(B)/obj/tests/bench/bare_curl.o
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
