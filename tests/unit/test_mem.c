/* test_mem.c: memory that does not fail, and arenas. */
#include <check.h>
#include <stdint.h>

#include "mem.h"

START_TEST(an_allocation_is_zeroed_and_never_null)
{
    char *memory = mem_alloc(1000), *nothing = mem_alloc(0), *array = mem_array(10, 7);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(memory[i], 0);
    ck_assert_ptr_nonnull(nothing);
    for (int i = 0; i < 70; i++)
        ck_assert_int_eq(array[i], 0);
    free(memory);
    free(nothing);
    free(array);
}
END_TEST

START_TEST(a_copy_of_null_is_null_and_a_cut_copy_ends_in_nul)
{
    ck_assert_ptr_null(mem_strdup(NULL));
    char *cut = mem_strndup("abcdef", 3), *whole = mem_strdup("abc");
    ck_assert_str_eq(cut, "abc");
    ck_assert_str_eq(whole, "abc");
    free(cut);
    free(whole);
}
END_TEST

START_TEST(an_array_whose_size_overflows_ends_the_process_with_1)
{
    mem_array(SIZE_MAX / 2, 3);
}
END_TEST

START_TEST(an_arena_gives_zeroed_aligned_memory_that_does_not_overlap)
{
    struct arena *arena = arena_new(512);
    unsigned char *given[300];
    for (size_t i = 0; i < 300; i++) {
        size_t size = i * 7 % 400 + 1;
        given[i] = arena_alloc(arena, size);
        ck_assert_uint_eq((uintptr_t)given[i] % _Alignof(max_align_t), 0);
        for (size_t k = 0; k < size; k++)
            ck_assert_uint_eq(given[i][k], 0);
        memset(given[i], (int)(i % 255) + 1, size);
    }
    for (size_t i = 0; i < 300; i++) {
        for (size_t k = 0; k < i * 7 % 400 + 1; k++)
            ck_assert_uint_eq(given[i][k], i % 255 + 1);
    }
    arena_free(&arena);
    ck_assert_ptr_null(arena);
    arena_free(&arena);
}
END_TEST

START_TEST(an_arena_that_was_reset_uses_its_chunk_again)
{
    struct arena *arena = arena_new(4096);
    char *first = arena_alloc(arena, 100);
    memset(first, 'x', 100);
    memset(arena_alloc(arena, 100000), 'y', 100000);
    arena_reset(arena);
    char *again = arena_alloc(arena, 100);
    ck_assert_ptr_eq(again, first);
    ck_assert_int_eq(again[0], 0);
    ck_assert_str_eq(arena_strdup(arena, "text"), "text");
    ck_assert_str_eq(arena_strndup(arena, "text", 2), "te");
    ck_assert_ptr_null(arena_strdup(arena, NULL));
    arena_reset(arena);
    arena_reset(arena);
    arena_free(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mem");
    TCase *tests = tcase_create("mem");
    tcase_add_test(tests, an_allocation_is_zeroed_and_never_null);
    tcase_add_test(tests, a_copy_of_null_is_null_and_a_cut_copy_ends_in_nul);
    tcase_add_exit_test(tests, an_array_whose_size_overflows_ends_the_process_with_1, 1);
    tcase_add_test(tests, an_arena_gives_zeroed_aligned_memory_that_does_not_overlap);
    tcase_add_test(tests, an_arena_that_was_reset_uses_its_chunk_again);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
