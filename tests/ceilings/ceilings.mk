# ceilings.mk: build/bin/ceilings-load, which opens bad connections by the thousand beside an honest load (main.c says how).
$(eval $(call program,ceilings-load,tests/ceilings))
all: $(B)/bin/ceilings-load
