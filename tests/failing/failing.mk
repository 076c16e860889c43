# failing.mk: the sweep of failing calls. tests/unit/test_failing_*.c have its means linked in (failing.h).
FAILING := $(patsubst %.c,$(B)/obj/%.o,$(wildcard tests/failing/*.c))
FAILING_TESTS := $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_failing_*.c))
$(FAILING_TESTS): $(FAILING) $(if $(SAN),$(B)/obj/common/mem_guard.o) # whose malloc would be the sanitizer's
# Where common/mem_guard.c finds what it stands before: in between stands calls.c.
$(FAILING_TESTS): LDFLAGS += -Wl,--wrap=dlsym
# It runs before a sanitizer is ready.
$(B)/obj/tests/failing/calls.o: CFLAGS += -fno-builtin -fno-sanitize=all
