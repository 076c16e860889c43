/*
 * migrate.c: syncctl migrate: creates the tables in DATABASE_URL or brings them up to this release.
 *
 * Every program does the same when it starts; this is for those who want it done, and seen, before.
 */
#include "migrate.h"

#include "ctl.h"
#include "mem.h"

int ctl_migrate(int argc, char **argv)
{
    const struct ctl_option options[] = {{NULL, NULL, false}};
    struct conf conf;
    struct buf errors;
    int result;

    if (ctl_read_options(options, argc, argv))
        return CTL_USAGE;
    if (ctl_load(&conf))
        return 1;
    buf_init(&errors);
    result = migrate_run(conf.database_url, conf.partitions, &errors);
    if (result)
        ctl_fail("%.*s", (int)strcspn(errors.data, "\n"), errors.data);
    else
        puts("the database is up to date");
    buf_release(&errors);
    conf_release(&conf);
    return result ? 1 : 0;
}
