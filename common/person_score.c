/*
 * person_score.c: how much two persons agree: see person.h. Each feature gives points for agreeing and takes some for not agreeing;
 * one alone is never enough, but for an equal e-mail. Words by Jaro-Winkler (Winkler 1990), addresses of mail and telephone numbers
 * by the optimal string alignment distance.
 */
#include <stdlib.h>
#include <string.h>

#include "person.h"

#define ENOUGH 6 /* points: PERSON_SCORE_MIN */

/* ── words ── */

static int same_letters(const char *a, size_t a_len, const char *b, size_t b_len, bool *a_used, bool *b_used)
{
    size_t longer = a_len > b_len ? a_len : b_len, window = longer / 2 > 0 ? longer / 2 - 1 : 0;
    int same = 0;

    for (size_t i = 0; i < a_len; i++) {
        size_t from = i > window ? i - window : 0, to = i + window + 1 < b_len ? i + window + 1 : b_len;
        for (size_t j = from; j < to && !a_used[i]; j++)
            if (!b_used[j] && a[i] == b[j]) {
                a_used[i] = b_used[j] = true;
                same++;
            }
    }
    return same;
}

static double jaro_winkler(const char *a, const char *b)
{
    size_t a_len = strlen(a), b_len = strlen(b), prefix = 0, j = 0;
    bool a_used[PERSON_WORD_MAX] = {false}, b_used[PERSON_WORD_MAX] = {false};
    int same, moved = 0;
    double jaro;

    if (a_len == 0 || b_len == 0)
        return 0;
    same = same_letters(a, a_len, b, b_len, a_used, b_used);
    if (same == 0)
        return 0;
    for (size_t i = 0; i < a_len; i++) {
        if (!a_used[i])
            continue;
        while (!b_used[j])
            j++;
        moved += a[i] != b[j++];
    }
    jaro = ((double)same / (double)a_len + (double)same / (double)b_len + (same - moved / 2.0) / same) / 3;
    while (prefix < 4 && prefix < a_len && prefix < b_len && a[prefix] == b[prefix])
        prefix++;
    return jaro + (double)prefix * 0.1 * (1 - jaro);
}

/* An initial stands for any word that begins with it. */
static double same_word(const char *a, const char *b)
{
    if ((!a[1] || !b[1]) && a[0] == b[0])
        return strlen(a) == strlen(b) ? 1 : 0.88;
    return jaro_winkler(a, b);
}

/* Of the name with fewer words, the word that fits worst; each word of the other fits once. -1: a name is missing. */
static double compare_names(const struct person_words *a, const struct person_words *b)
{
    const struct person_words *few = a->count <= b->count ? a : b, *many = few == a ? b : a;
    bool used[PERSON_WORDS_MAX] = {false};
    double worst = 1;

    if (few->count == 0)
        return -1;
    for (size_t i = 0; i < few->count; i++) {
        double best = 0;
        size_t at = 0;
        for (size_t j = 0; j < many->count; j++)
            if (!used[j] && same_word(few->word[i], many->word[j]) > best) {
                best = same_word(few->word[i], many->word[j]);
                at = j;
            }
        used[at] = true;
        worst = best < worst ? best : worst;
    }
    return few->count == 1 && many->count > 1 ? worst * 0.9 : worst; /* a first name alone */
}

static bool is_number(const char *word)
{
    return word[0] >= '0' && word[0] <= '9';
}

static bool has_word(const struct person_words *words, const char *word)
{
    for (size_t i = 0; i < words->count; i++) {
        const char *other = words->word[i];
        if (is_number(word) || is_number(other) ? strcmp(word, other) == 0
                                                : jaro_winkler(word, other) >= 0.88)
            return true;
    }
    return false;
}

/* The share of the words of the shorter address that the other has, less where a number of it is another one. -1: one is missing. */
static double compare_addresses(const struct person_words *a, const struct person_words *b)
{
    const struct person_words *few = a->count <= b->count ? a : b, *many = few == a ? b : a;
    double found = 0;

    if (few->count < 2)
        return -1;
    for (size_t i = 0; i < few->count; i++) {
        bool has = has_word(many, few->word[i]);
        found += has ? 1 : is_number(few->word[i]) ? -1 : 0;
    }
    return found > 0 ? found / (double)few->count : 0;
}

/* ── e-mail and telephone ── */

/* Letters added, lost, changed, or two that changed places; 3 for more than two. */
static int distance(const char *a, const char *b)
{
    size_t a_len = strlen(a), b_len = strlen(b);
    int rows[3][PERSON_TEXT_MAX + 1], *before = rows[0], *last = rows[1], *row = rows[2], *free_row;

    if (a_len > b_len + 2 || b_len > a_len + 2)
        return 3;
    for (size_t j = 0; j <= b_len; j++)
        last[j] = (int)j;
    for (size_t i = 1; i <= a_len; i++) {
        row[0] = (int)i;
        for (size_t j = 1; j <= b_len; j++) {
            int change = last[j - 1] + (a[i - 1] != b[j - 1]), lose = last[j] + 1, add = row[j - 1] + 1;
            row[j] = change < lose ? change : lose;
            row[j] = add < row[j] ? add : row[j];
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
        free_row = before, before = last, last = row, row = free_row;
    }
    return last[b_len] > 2 ? 3 : last[b_len];
}

static bool same_phone(const char *a, const char *b)
{
    size_t a_len = strlen(a), b_len = strlen(b);

    if ((a[0] == '+') == (b[0] == '+'))
        return strcmp(a, b) == 0;
    if (a[0] != '+')
        return same_phone(b, a);
    return b_len < a_len && strcmp(a + a_len - b_len, b) == 0;
}

/* ── points ── */

struct points {
    int sum;
    struct buf *why;
};

static void agree(struct points *points, int count, const char *what, double how_much)
{
    points->sum += count;
    if (points->why && how_much > 0)
        buf_addf(points->why, "%s%s %.2f", points->why->len ? "," : "", what, how_much);
    else if (points->why)
        buf_addf(points->why, "%s%s", points->why->len ? "," : "", what);
}

static void judge_email(struct points *points, const char *a, const char *b)
{
    size_t local = strcspn(a, "@");
    int far;

    if (!*a || !*b)
        return;
    if (strcmp(a, b) == 0) {
        agree(points, 7, "email", 0);
        return;
    }
    far = local >= 5 ? distance(a, b) : 3;
    if (far <= 2)
        agree(points, far == 1 ? 4 : 3, "similar email", 0);
    else if (local >= 6 && strncmp(a, b, local + 1) == 0)
        agree(points, 3, "mailbox", 0);
}

static void judge_phone(struct points *points, const char *a, const char *b)
{
    if (!*a || !*b)
        return;
    if (same_phone(a, b))
        agree(points, 4, "phone", 0);
    else if (strlen(a) == strlen(b) && strlen(a) >= 9 && distance(a, b) == 1)
        agree(points, 2, "similar phone", 0);
}

static void judge_name(struct points *points, const struct person *a, const struct person *b)
{
    double same = compare_names(&a->name, &b->name);

    if (same >= 0.92)
        agree(points, 3, "name", same);
    else if (same >= 0.84)
        agree(points, 2, "name", same);
    else if (same >= 0.70)
        points->sum -= 2;
    else if (same >= 0)
        points->sum -= 5;
}

static void judge_address(struct points *points, const struct person *a, const struct person *b)
{
    double same = compare_addresses(&a->address, &b->address);

    if (same >= 0.8)
        agree(points, 3, "address", same);
    else if (same >= 0.6)
        agree(points, 2, "address", same);
    else if (same >= 0 && same < 0.3)
        points->sum -= 1;
}

static void judge_external(struct points *points, const char *a, const char *b)
{
    if (!*a || !*b)
        return;
    if (strcmp(a, b) == 0)
        agree(points, 10, "external id", 0);
    else
        points->sum -= 10;
}

int person_score(const struct person *a, const struct person *b, struct buf *why)
{
    struct points points = {0, why};
    int score;

    judge_external(&points, a->external, b->external);
    judge_email(&points, a->email, b->email);
    judge_phone(&points, a->phone, b->phone);
    judge_name(&points, a, b);
    judge_address(&points, a, b);
    score = PERSON_SCORE_MIN + 3 * (points.sum - ENOUGH);
    return score < 0 || points.sum <= 0 ? 0 : score > 99 ? 99 : score;
}
