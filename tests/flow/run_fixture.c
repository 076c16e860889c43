/* run_fixture.c: the main of flow tests; see flow_fixture.h. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "flow_fixture.h"

double flow_patience(void)
{
    const char *given = getenv("CK_TIMEOUT_MULTIPLIER");
    double factor = given ? strtod(given, NULL) : 1;

    return factor > 1 ? factor : 1;
}

static bool is_soak(void)
{
    return getenv("SOAK") != NULL;
}

long flow_size(long few, long promised)
{
    return is_soak() ? promised : few;
}

static int count_claims(const TTest *const *claims)
{
    int count = 0;

    while (claims[count])
        count++;
    return count;
}

/* The closing line of check, for claims that could not be tried. */
static int tell_all_failed(int count)
{
    printf("0%%: Checks: %d, Failures: %d, Errors: 0\n", count, count);
    return EXIT_FAILURE;
}

int flow_run(const char *name, const struct stack_options *options, const TTest *const *claims)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    SRunner *runner;
    int failed;

    setvbuf(stdout, NULL, _IOLBF, 0);
    tcase_set_timeout(tcase, is_soak() ? 1800 : 60);
    for (size_t i = 0; claims[i]; i++)
        tcase_add_test(tcase, claims[i]);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    if (stack_up(options) != 0) {
        srunner_free(runner);
        return tell_all_failed(count_claims(claims));
    }
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    if (failed)
        stack_tell_logs();
    if (stack_down() != 0)
        return EXIT_FAILURE;
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
