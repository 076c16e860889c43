# gateway.mk: the description of the API is built into the gateway, so that what is served is what was tested.
$(B)/gen/openapi.c: docs/openapi.json tools/embed
	@mkdir -p $(@D) && tools/embed docs $< > $@
$(B)/bin/api-gateway $(B)/inside/api-gateway.a: $(B)/obj/gen/openapi.o
