# chaos.mk: the fault proxy, and `make chaos SEED=1 MINUTES=3 [REPLICAS=2]` (tests/chaos/main.c says what it proves).
$(eval $(call program,fault-proxy,tests/fault-proxy))
all: $(B)/bin/fault-proxy
