/* platform_inbound_fields.h: of platform_inbound.c alone. */
#pragma once
#include "platform_inbound.h"
#include "platform_setting.h"

void platform_read_inbound_objects(const struct reader *reader, const struct setting *group,
                                   struct platform_inbound *inbound);
