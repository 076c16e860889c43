/*
 * platform_setting.h: what the parts share that read a platform file: between setting.h, which knows the file's syntax, and
 * platform_read.c, which knows what a platform is.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "platform_format.h"
#include "setting.h"

/* platform_entities.c: the group entities; and what other groups read as it does. A text, or a list of texts: "stock" or
 * ["product_inventory", "stock"], each a name in a JSON object: their number, 0 after a complaint. */
void platform_read_entities(const struct reader *reader, const struct setting *group, void *target);
size_t setting_read_texts(const struct reader *reader, const struct setting *setting, const char ***texts);
const char *setting_read_member(const struct reader *reader, const struct setting *setting); /* one; or NULL */
bool setting_read_entity(const struct reader *reader, const struct setting *setting, const char *name,
                         enum entity *entity);
void setting_read_rate(const struct reader *reader, const struct setting *setting, void *target); /* int64_t */
void *setting_new_rows(const struct reader *reader, const struct setting *group, size_t size); /* one per element */

/* The value of the environment variable that the setting names, checked; NULL when it is not set. platform_read.c */
char *setting_read_variable(const struct reader *reader, const struct setting *setting,
                            const char *(*check)(const char *));

/* platform_read.c: the whole file, and what follows from it. */
void platform_read(const struct reader *reader, const struct setting *root);

/* platform_routes.c: the group routes; then the paths of all event types, when everything else is read. */
void platform_read_routes(const struct reader *reader, const struct setting *group, void *target);
void platform_finish_routes(const struct reader *reader, const struct setting *root);

/* platform_expr.c: the group computed of an entity; target: its struct platform_entity. Then, when the entity's other tables are
 * read, its expressions; and those of the routes, by the setting `when` of the group routes. */
void platform_read_computed(const struct reader *reader, const struct setting *group, void *target);
void platform_parse_computed(const struct reader *reader, const struct setting *group, enum entity entity);
void platform_parse_when(const struct reader *reader, const struct setting *routes);

/* platform_parents.c: the group parents of an entity; target: its struct platform_entity. */
void platform_read_parents(const struct reader *reader, const struct setting *group, void *target);

/* platform_graphql.c, platform_inbound.c, platform_lists.c: the groups of these names. */
void platform_read_graphql(const struct reader *reader, const struct setting *group, void *target);
void platform_read_inbound(const struct reader *reader, const struct setting *group, void *target);
void platform_read_lists(const struct reader *reader, const struct setting *group, void *target);
