/* test_merge_pages.c: rows of a backfill's pages among live changes: whatever comes first, the live value stays. */
#include "merge.h"
#include "merge_world_fixture.h"

static struct world world;
#define record world.record

static void begin(void)
{
    mapping_load();
    world_init(&world);
}

static void end(void)
{
    world_release(&world);
    mapping_unload();
}

#define LIVE 5
#define FIELDS 3

static const char *const platforms[] = {"bizoholic", "bizosaas", "coreldove"};
static const char *const fields[FIELDS] = {"name", "phone", "city"};

static uint64_t random_state;

static unsigned below(unsigned limit)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % limit;
}

/* What a page of `platform` says, drawn at this seq; the platform had `seen_version` of the record by then. */
static void apply_page(const char *platform, int64_t snapshot_seq, int64_t seen_version, const char *data,
                       struct merge *merge)
{
    struct json *json = mapping_parse(data);
    struct change change = {.source = mapping_platform(platform),
                            .entity = ENTITY_USER,
                            .verb = VERB_UPDATE,
                            .entity_id = "u1",
                            .event_id = "page",
                            .seq = 1000 + snapshot_seq,
                            .time_ms = T0 + 500,
                            .data = json,
                            .snapshot = true,
                            .snapshot_seq = snapshot_seq,
                            .base_version = seen_version};

    world_change(&world, &change, merge);
    json_free(json);
}

static void page(const char *platform, int64_t snapshot_seq, int64_t seen_version, const char *data)
{
    struct merge merge;

    apply_page(platform, snapshot_seq, seen_version, data, &merge);
    ck_assert_uint_eq(json_count(merge.contested), 0);
    merge_release(&merge);
}

static void live(const char *platform, enum verb verb, int64_t seq, int64_t at_ms, const char *data)
{
    world_step(&world, (struct step){platform, verb, seq, at_ms, data, 0});
    world_decide(&world);
}

static void held(const char *field, const char *expected)
{
    const char *is = json_get_text(record.data, field);

    ck_assert_msg(is && strcmp(is, expected) == 0, "%s is %s, not %s", field, is ? is : "absent", expected);
}

START_TEST(a_record_that_nobody_knew_is_created_by_a_page)
{
    struct merge merge;

    apply_page("bizoholic", 5, 0, "{\"id\":\"u1\",\"name\":\"Page\"}", &merge);
    ck_assert(merge.advanced);
    ck_assert_int_eq(record.version, 1);
    held("name", "Page");
    merge_release(&merge);
}
END_TEST

START_TEST(a_page_that_says_what_is_held_makes_no_version)
{
    struct merge merge;

    live("bizosaas", VERB_UPDATE, 1, 0, "{\"name\":\"Same\"}");
    apply_page("bizoholic", 5, 0, "{\"id\":\"u1\",\"name\":\"Same\"}", &merge);
    ck_assert(!merge.advanced && !merge.noted);
    ck_assert_int_eq(record.version, 1);
    merge_release(&merge);
}
END_TEST

START_TEST(a_change_accepted_after_the_draw_wins_whatever_its_platform_and_clock)
{
    for (int p = 0; p < 3; p++)
        for (int live_first = 0; live_first < 2; live_first++) {
            world_release(&world);
            world_init(&world);
            if (live_first)
                live(platforms[p], VERB_UPDATE, 6, -1000000, "{\"name\":\"Live\"}");
            page("bizoholic", 5, 99, "{\"name\":\"Page\",\"city\":\"Pune\"}");
            if (!live_first)
                live(platforms[p], VERB_UPDATE, 6, -1000000, "{\"name\":\"Live\"}");
            held("name", "Live");
            held("city", "Pune");
        }
}
END_TEST

START_TEST(another_platforms_change_that_had_not_arrived_there_is_not_undone)
{
    live("coreldove", VERB_UPDATE, 1, 0, "{\"name\":\"Live\"}");
    page("bizoholic", 5, 0, "{\"name\":\"Stale\"}");
    held("name", "Live");
    page("bizoholic", 6, 1, "{\"name\":\"Changed there\"}"); /* it had version 1, and says something else */
    held("name", "Changed there");
}
END_TEST

START_TEST(a_page_is_newer_than_what_its_own_platform_sent_before)
{
    live("bizoholic", VERB_UPDATE, 1, 0, "{\"name\":\"Before\"}");
    page("bizoholic", 5, 0, "{\"name\":\"Page\"}");
    held("name", "Page");
    live("bizoholic", VERB_UPDATE, 2, 10,
         "{\"name\":\"Late\"}"); /* accepted before the draw, handled after */
    held("name", "Page");
    live("bizoholic", VERB_UPDATE, 6, 20, "{\"name\":\"After\"}");
    held("name", "After");
}
END_TEST

START_TEST(a_deletion_accepted_after_the_draw_stays)
{
    page("bizoholic", 5, 0, "{\"name\":\"Page\"}");
    live("coreldove", VERB_DELETE, 6, -1000000, "{}");
    ck_assert(record.deleted);
    page("bizoholic", 5, 99, "{\"name\":\"Page\"}");
    ck_assert(record.deleted);
    ck_assert_int_eq(record.version, 2);
}
END_TEST

START_TEST(a_deletion_that_had_not_arrived_there_stays)
{
    live("bizosaas", VERB_UPDATE, 1, 0, "{\"name\":\"Live\"}");
    live("coreldove", VERB_DELETE, 2, 5, "{}");
    page("bizoholic", 5, 1, "{\"name\":\"Live\"}");
    ck_assert(record.deleted);
    page("bizoholic", 6, 2, "{\"name\":\"Made again\"}");
    ck_assert(!record.deleted);
    held("name", "Made again");
}
END_TEST

START_TEST(a_live_change_against_a_page_is_no_conflict)
{
    struct merge merge;

    page("bizoholic", 5, 0, "{\"name\":\"Page\"}");
    world_apply(&world, &(struct step){"coreldove", VERB_UPDATE, 6, 400, "{\"name\":\"Live\"}", 0}, &merge);
    ck_assert_uint_eq(json_count(merge.contested), 0);
    merge_release(&merge);
}
END_TEST

START_TEST(a_later_line_of_the_same_file_wins)
{
    page("bizoholic", 5, 0, "{\"name\":\"First\"}");
    page("bizoholic", 5, 0, "{\"name\":\"Second\"}");
    held("name", "Second");
}
END_TEST

START_TEST(of_two_platforms_pages_the_later_one_wins_in_both_orders)
{
    for (int turn = 0; turn < 2; turn++) {
        world_release(&world);
        world_init(&world);
        page(turn ? "coreldove" : "bizoholic", turn ? 8 : 5, 0,
             turn ? "{\"name\":\"B\"}" : "{\"name\":\"A\"}");
        page(turn ? "bizoholic" : "coreldove", turn ? 5 : 8, 0,
             turn ? "{\"name\":\"A\"}" : "{\"name\":\"B\"}");
        held("name", "B");
    }
}
END_TEST

START_TEST(a_live_change_that_a_page_had_already_is_settled_against_the_next_one)
{
    struct merge merge;

    page("bizoholic", 5, 0, "{\"name\":\"A\"}");
    world_apply(&world, &(struct step){"bizoholic", VERB_UPDATE, 1, 50, "{\"name\":\"A\"}", 0}, &merge);
    ck_assert(!merge.advanced && merge.noted);
    merge_release(&merge);
    live("coreldove", VERB_UPDATE, 2, 10, "{\"name\":\"Older\"}");
    held("name", "A");
    live("coreldove", VERB_UPDATE, 3, 60, "{\"name\":\"Newer\"}");
    held("name", "Newer");
}
END_TEST

/* ---- any interleaving ---- */

struct scene {
    struct step steps[LIVE];
    struct buf texts[LIVE];
    struct buf page;
    int64_t snapshot_seq;
};

static void make_scene(struct scene *scene)
{
    int64_t clocks[3] = {below(50), below(50), below(50)};

    scene->snapshot_seq = 10 * (1 + below(LIVE)) - 5;
    for (int i = 0; i < LIVE; i++) {
        unsigned platform = below(3), first = below(FIELDS);
        clocks[platform] += 1 + below(40);
        scene->texts[i] = (struct buf)BUF_INIT;
        buf_addf(&scene->texts[i], "{\"%s\":\"a%d\",\"%s\":\"b%d\"}", fields[first], i,
                 fields[(first + 1) % FIELDS], i);
        scene->steps[i] = (struct step){platforms[platform],  below(6) ? VERB_UPDATE : VERB_DELETE,
                                        10 * (i + 1),         clocks[platform],
                                        scene->texts[i].data, 0};
    }
}

/* What bizoholic shows when nothing of the others had arrived: per field its own last change, of before the draw or later ones
 * too, else what it had at first. */
static void make_page(struct scene *scene)
{
    int64_t until = below(2) ? scene->snapshot_seq : 10 * LIVE;

    scene->page = (struct buf)BUF_INIT;
    buf_add_str(&scene->page, "{\"id\":\"u1\"");
    for (int f = 0; f < FIELDS; f++) {
        char text[8] = "first";
        for (int i = 0; i < LIVE; i++) {
            struct json *data = mapping_parse(scene->steps[i].data);
            const char *value = json_get_text(data, fields[f]);
            if (value && scene->steps[i].verb == VERB_UPDATE && scene->steps[i].seq <= until &&
                strcmp(scene->steps[i].platform, "bizoholic") == 0)
                snprintf(text, sizeof text, "%s", value);
            json_free(data);
        }
        buf_addf(&scene->page, ",\"%s\":\"%s\"", fields[f], text);
    }
    buf_add_ch(&scene->page, '}');
}

/* The live changes in this order, and the page before the one at `place`; LIVE + 1: no page. */
static void play(const struct scene *scene, const unsigned order[LIVE], int place)
{
    world_release(&world);
    world_init(&world);
    for (int i = 0; i <= LIVE; i++) {
        const struct step *step = i < LIVE ? &scene->steps[order[i]] : NULL;
        if (i == place)
            page("bizoholic", scene->snapshot_seq, 0, scene->page.data);
        if (step)
            live(step->platform, step->verb, step->seq, step->at_ms, step->data);
    }
}

static void shuffle(unsigned order[LIVE])
{
    for (unsigned i = LIVE - 1; i > 0; i--) {
        unsigned j = below(i + 1), kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}

static bool touched(const struct scene *scene, const char *field)
{
    bool found = false;

    for (int i = 0; i < LIVE; i++) {
        struct json *data = mapping_parse(scene->steps[i].data);
        found |= scene->steps[i].verb == VERB_UPDATE && json_get_text(data, field) != NULL;
        json_free(data);
    }
    return found;
}

static void expect_live(const struct scene *scene, const char *const expected[FIELDS], const unsigned *order,
                        int place)
{
    for (int f = 0; f < FIELDS; f++) {
        const char *is = json_get_text(record.data, fields[f]);
        if (touched(scene, fields[f]))
            ck_assert_msg(
                is && strcmp(is, expected[f]) == 0,
                "order %u%u%u%u%u, page (drawn at %d) at %d, %s: %s is %s, live changes alone say %s",
                order[0], order[1], order[2], order[3], order[4], (int)scene->snapshot_seq, place,
                scene->page.data, fields[f], is ? is : "absent", expected[f]);
    }
}

START_TEST(any_interleaving_of_a_page_and_live_changes_ends_with_the_live_values)
{
    random_state = (uint64_t)_i + 1;
    for (int round = 0; round < 30; round++) {
        struct scene scene;
        unsigned order[LIVE] = {0, 1, 2, 3, 4};
        char values[FIELDS][8];
        const char *expected[FIELDS];
        make_scene(&scene);
        for (int i = 0; i < LIVE; i++) /* deletions: their own claims below */
            scene.steps[i].verb = VERB_UPDATE;
        make_page(&scene);
        play(&scene, order, LIVE + 1);
        for (int f = 0; f < FIELDS; f++) {
            const char *value = json_get_text(record.data, fields[f]);
            snprintf(values[f], sizeof values[f], "%s", value ? value : "");
            expected[f] = values[f];
        }
        for (int i = 0; i < 20; i++) {
            int place = (int)below(LIVE + 1);
            play(&scene, order, place);
            expect_live(&scene, expected, order, place);
            shuffle(order);
        }
        for (int i = 0; i < LIVE; i++)
            buf_release(&scene.texts[i]);
        buf_release(&scene.page);
    }
}
END_TEST

/* Deletions of others had not arrived there; its own are seen in no page (the record would not be in it). */
START_TEST(any_interleaving_of_a_page_and_deletions_leaves_deleted_what_live_changes_alone_do)
{
    random_state = (uint64_t)_i + 1;
    for (int round = 0; round < 30; round++) {
        struct scene scene;
        unsigned order[LIVE] = {0, 1, 2, 3, 4};
        make_scene(&scene);
        for (int i = 0; i < LIVE; i++)
            if (scene.steps[i].verb == VERB_DELETE && strcmp(scene.steps[i].platform, "bizoholic") == 0)
                scene.steps[i].verb = VERB_UPDATE;
        make_page(&scene);
        play(&scene, order, LIVE + 1);
        bool deleted = record.deleted;
        for (int i = 0; i < 20; i++) {
            int place = (int)below(LIVE + 1);
            play(&scene, order, place);
            ck_assert_msg(record.deleted == deleted,
                          "order %u%u%u%u%u, page (drawn at %d) at %d: deleted is %d", order[0], order[1],
                          order[2], order[3], order[4], (int)scene.snapshot_seq, place, record.deleted);
            shuffle(order);
        }
        for (int i = 0; i < LIVE; i++)
            buf_release(&scene.texts[i]);
        buf_release(&scene.page);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("merge_pages");
    TCase *tests = tcase_create("merge_pages");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tests);
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, a_record_that_nobody_knew_is_created_by_a_page);
    tcase_add_test(tests, a_page_that_says_what_is_held_makes_no_version);
    tcase_add_test(tests, a_change_accepted_after_the_draw_wins_whatever_its_platform_and_clock);
    tcase_add_test(tests, another_platforms_change_that_had_not_arrived_there_is_not_undone);
    tcase_add_test(tests, a_page_is_newer_than_what_its_own_platform_sent_before);
    tcase_add_test(tests, a_deletion_accepted_after_the_draw_stays);
    tcase_add_test(tests, a_deletion_that_had_not_arrived_there_stays);
    tcase_add_test(tests, a_live_change_against_a_page_is_no_conflict);
    tcase_add_test(tests, a_later_line_of_the_same_file_wins);
    tcase_add_test(tests, of_two_platforms_pages_the_later_one_wins_in_both_orders);
    tcase_add_test(tests, a_live_change_that_a_page_had_already_is_settled_against_the_next_one);
    tcase_add_loop_test(tests, any_interleaving_of_a_page_and_live_changes_ends_with_the_live_values, 0, 10);
    tcase_add_loop_test(
        tests, any_interleaving_of_a_page_and_deletions_leaves_deleted_what_live_changes_alone_do, 0, 10);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
