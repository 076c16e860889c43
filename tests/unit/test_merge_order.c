/* test_merge_order.c: changes of one record, handled in every order: priorities decide when, never what wins. */
#include "merge.h"
#include "merge_fixture.h"

#define CHANGES 5

static uint64_t random_state;

static unsigned below(unsigned limit)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % limit;
}

/* Values differ from each other: an equal one is no change. No platform's clock runs backwards. */
static void make_changes(struct step steps[CHANGES], struct buf texts[CHANGES])
{
    static const char *const platforms[] = {"bizoholic", "bizosaas", "coreldove"};
    static const char *const fields[] = {"name", "phone", "city"};
    int64_t clocks[3] = {below(50), below(50), below(50)};

    for (int i = 0; i < CHANGES; i++) {
        unsigned platform = below(3), first = below(3);
        clocks[platform] += below(40);
        steps[i] = (struct step){
            platforms[platform], below(5) ? VERB_UPDATE : VERB_DELETE, i + 1, clocks[platform], NULL, 0};
        buf_addf(&texts[i], "{\"%s\":\"a%d\",\"%s\":\"b%d\"}", fields[first], i, fields[(first + 1) % 3], i);
        steps[i].data = texts[i].data;
    }
}

static void play(const struct step steps[CHANGES], const unsigned order[CHANGES], struct buf *result)
{
    static const char *const fields[] = {"name", "phone", "city"};
    struct merge merge;

    record_release(&record);
    record_init(&record);
    for (int i = 0; i < CHANGES; i++) {
        apply(&record, &steps[order[i]], &merge);
        merge_release(&merge);
    }
    buf_addf(result, "deleted=%d", record.deleted);
    for (int i = 0; i < 3; i++) {
        buf_addf(result, " %s=", fields[i]);
        json_write(result, json_get(record.data, fields[i]));
    }
}

static void shuffle(unsigned order[CHANGES])
{
    for (unsigned i = CHANGES - 1; i > 0; i--) {
        unsigned j = below(i + 1), kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}

START_TEST(every_order_of_handling_ends_with_the_same_record)
{
    random_state = (uint64_t)_i + 1;
    for (int round = 0; round < 50; round++) {
        struct step steps[CHANGES];
        struct buf texts[CHANGES] = {BUF_INIT, BUF_INIT, BUF_INIT, BUF_INIT, BUF_INIT}, expected = BUF_INIT;
        unsigned order[CHANGES] = {0, 1, 2, 3, 4};
        make_changes(steps, texts);
        play(steps, order, &expected);
        for (int i = 0; i < 30; i++) {
            struct buf is = BUF_INIT;
            shuffle(order);
            play(steps, order, &is);
            ck_assert_msg(strcmp(is.data, expected.data) == 0,
                          "order %u%u%u%u%u gives %s, in order of seq %s", order[0], order[1], order[2],
                          order[3], order[4], is.data, expected.data);
            buf_release(&is);
        }
        for (int i = 0; i < CHANGES; i++)
            buf_release(&texts[i]);
        buf_release(&expected);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("merge_order");
    TCase *tests = tcase_create("merge_order");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tests);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_loop_test(tests, every_order_of_handling_ends_with_the_same_record, 0, 10);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
