/*
 * proof_edits.c: what became of what users of three platforms changed at once: each change is in the record, or overwritten by a later
 * one, or a side of a conflict that was decided or waits; each delivery has an end that tells why it was not made as sent (I5).
 */
#include "proof_edits.h"

#include <inttypes.h>
#include <string.h>

#include "log.h"
#include "mem.h"
#include "member.h"
#include "proof_impl.h"

/* ── what the tables say ── */

struct contest { /* of one field in one conflict */
    unsigned record;
    char field[32], status[12];
    bool waits; /* for a person */
    int64_t seqs[16];
    unsigned sides;
};

struct learnt {
    struct contest *contests;
    size_t count;
};

static struct json *read_json(const char *text)
{
    struct json_error where;
    bool ok = false;
    struct json *json = *text ? json_parse(text, strlen(text), JSON_DEPTH_MAX, &where, &ok) : NULL;

    return ok ? json : NULL;
}

static struct edit *find_edit(const struct edits *edits, const char *event)
{
    for (size_t i = 0; i < edits_count(edits); i++)
        if (strcmp(edits_at(edits, i)->event, event) == 0)
            return edits_at(edits, i);
    return NULL;
}

static void learn_events(struct proof *proof)
{
    struct rows *rows = store_query(
        "SELECT id, seq, COALESCE(version, 0), (extract(epoch FROM created_at) * 1000000)::bigint, "
        "status, COALESCE(error, '') FROM sync_events WHERE source_platform <> 'service'");

    if (!rows)
        fatal("PostgreSQL does not answer at the end");
    for (unsigned i = 0; i < store_count(rows); i++) {
        struct edit *edit = find_edit(proof->edits, store_text(rows, i, 0));
        if (!edit) {
            proof_add(proof, CHECK_NOT_POSTED, "%s, though no edit was answered with it",
                      store_text(rows, i, 0));
            continue;
        }
        edit->seq = store_int(rows, i, 1);
        edit->version = store_int(rows, i, 2);
        edit->accepted_us = store_int(rows, i, 3);
        if (*store_text(rows, i, 5))
            proof_add(proof, CHECK_EDIT_LOST, "edit %u, %s was refused: %s", edit->number, edit->event,
                      store_text(rows, i, 5));
    }
    store_rows_free(&rows);
    for (size_t i = 0; i < edits_count(proof->edits); i++) {
        const struct edit *edit = edits_at(proof->edits, i);
        if (!*edit->event)
            proof_add(proof, CHECK_NEVER_ANSWERED, "edit %u, %u tries", edit->number, edit->tries);
        else if (!edit->seq)
            proof_add(proof, CHECK_NOT_STORED, "edit %u, %s", edit->number, edit->event);
    }
}

static void add_contest(struct proof *proof, struct learnt *learnt, const struct rows *rows, unsigned row,
                        const struct json *detail)
{
    const struct json *sides = json_get(detail, "sides");
    const char *field = json_get_text(detail, "field");
    struct contest *contest;
    char named[64];

    if ((learnt->count & (learnt->count - 1)) == 0)
        learnt->contests =
            mem_realloc(learnt->contests, (learnt->count ? learnt->count * 2 : 1) * sizeof *learnt->contests);
    contest = &learnt->contests[learnt->count++];
    *contest = (struct contest){0};
    if (sscanf(store_text(rows, row, 0), "r%*[0-9]-%u", &contest->record) != 1)
        proof_add(proof, CHECK_NOT_POSTED, "a conflict of %s", store_text(rows, row, 0));
    snprintf(contest->field, sizeof contest->field, "%s", field ? field : "");
    snprintf(contest->status, sizeof contest->status, "%s", store_text(rows, row, 1));
    snprintf(named, sizeof named, ",%s,", contest->field);
    contest->waits = strcmp(contest->status, "waiting") == 0 && strstr(store_text(rows, row, 2), named);
    for (size_t i = 0; i < json_count(sides) && contest->sides < 16; i++)
        contest->seqs[contest->sides++] = member_int(json_at(sides, i), "s");
}

static void learn_conflicts(struct proof *proof, struct learnt *learnt)
{
    struct rows *rows =
        store_query("SELECT entity_id, status, ',' || array_to_string(open_fields, ',') || ',', "
                    "convert_from(substr(detail, 2), 'UTF8') FROM sync_conflicts ORDER BY id");

    for (unsigned i = 0; rows && i < store_count(rows); i++) {
        struct json *detail = read_json(store_text(rows, i, 3));
        for (size_t n = 0; n < json_count(detail); n++)
            add_contest(proof, learnt, rows, i, json_at(detail, n));
        json_free(detail);
        if (strcmp(store_text(rows, i, 1), "open") == 0 || strcmp(store_text(rows, i, 1), "deciding") == 0)
            proof_add(proof, CHECK_UNDECIDED, "%s: %s", store_text(rows, i, 0), store_text(rows, i, 1));
    }
    store_rows_free(&rows);
}

static bool is_side(const struct learnt *learnt, const struct edit *edit)
{
    for (size_t i = 0; i < learnt->count; i++) {
        const struct contest *contest = &learnt->contests[i];
        if (contest->record != edit->record || strcmp(contest->field, edit->field->common) != 0)
            continue;
        for (unsigned n = 0; n < contest->sides; n++)
            if (contest->seqs[n] == edit->seq)
                return true;
    }
    return false;
}

/* ── each edit ── */

static bool same_place(const struct edit *a, const struct edit *b)
{
    return a->record == b->record && a->field == b->field && strcmp(a->member, b->member) == 0;
}

/* The next of the same field, or member, in the order of acceptance; NULL: it was the last. */
static const struct edit *next_of(const struct edits *edits, const struct edit *edit)
{
    const struct edit *next = NULL;

    for (size_t i = 0; i < edits_count(edits); i++) {
        const struct edit *other = edits_at(edits, i);
        if (other->field && other->seq > edit->seq && same_place(other, edit) &&
            (!next || other->seq < next->seq))
            next = other;
    }
    return next;
}

static bool holds(const struct json *data, const struct edit *edit)
{
    const struct json *value = json_get(data, edit->field->common);

    if (edit->field->kind == EDIT_PUT)
        value = json_get(value, edit->member);
    return json_equal(value, edit->value);
}

/* Numbers and words are no one's own: what was sent before and is said again is an echo, as far as anybody can know. */
static bool is_own(const struct edit *edit)
{
    return edit->field->kind != EDIT_WORD && edit->field->kind != EDIT_NUMBER && edit->value;
}

static void check_edit(struct proof *proof, const struct learnt *learnt, const struct edit *edit,
                       struct json *const *data)
{
    struct proof_edits *counts = &proof->edit_counts;
    const struct edit *next = next_of(proof->edits, edit);

    if (!is_own(edit)) {
        counts->not_told_apart++;
    } else if (holds(data[edit->record], edit)) {
        counts->in_record++;
    } else if (is_side(learnt, edit)) {
        counts->decided++;
    } else if (next) {
        counts->overwritten++;
    } else {
        proof_add(proof, CHECK_EDIT_LOST, "edit %u, %s: %s%s%s of record %u by %s, on version %" PRId64,
                  edit->number, edit->event, edit->field->common, *edit->member ? "." : "", edit->member,
                  edit->record, chaos_platforms[edit->platform], edit->base);
    }
    /* One that says what it was made on, and cannot have seen this one, contests it. */
    if (next && next->platform != edit->platform && next->base && next->base < edit->version &&
        is_own(edit) && is_own(next) && edit->field->kind != EDIT_PUT && !is_side(learnt, next))
        proof_add(proof, CHECK_EDIT_UNSEEN,
                  "edit %u, %s, made version %" PRId64 " of record %u; edit %u, %s, on %" PRId64 ": %s",
                  edit->number, edit->event, edit->version, edit->record, next->number, next->event,
                  next->base, edit->field->common);
}

/* The field that nobody but the platform changes is what the platform said last. */
static void check_marks(struct proof *proof, struct json *const *data)
{
    const struct edit *last[EDITS_RECORDS][PLATFORMS] = {{0}};
    char name[32];

    for (size_t i = 0; i < edits_count(proof->edits); i++) {
        const struct edit *edit = edits_at(proof->edits, i), **at = &last[edit->record][edit->platform];
        if (edit->seq && (!*at || edit->seq > (*at)->seq))
            *at = edit;
    }
    for (unsigned record = 0; record < EDITS_RECORDS; record++)
        for (unsigned platform = 0; platform < PLATFORMS; platform++) {
            const struct edit *edit = last[record][platform];
            snprintf(name, sizeof name, "edited_%s", chaos_platforms[platform]);
            if (edit && member_int(data[record], name) != edit->number)
                proof_add(proof, CHECK_EDIT_LOST, "record %u: %s is %" PRId64 ", should be %u (%s)", record,
                          name, member_int(data[record], name), edit->number, edit->event);
        }
}

/* ── each delivery ── */

static void check_outcomes(struct proof *proof)
{
    for (size_t i = 0; i < proof->outcome_count; i++) {
        const struct outcome *outcome = &proof->outcomes[i], *cover;
        switch (outcome->state) {
        case OUTCOME_DELIVERED:
            proof->delivered++;
            if (!proof_arrived(proof, outcome))
                proof_add(proof, CHECK_NOT_RECEIVED, "%s to %s", outcome->event, outcome->target);
            break;
        case OUTCOME_SUPERSEDED:
            proof->superseded++;
            cover = proof_cover(proof, outcome);
            if (!cover || (cover->state != OUTCOME_DELIVERED && cover->state != OUTCOME_SKIPPED))
                proof_add(proof, CHECK_NOT_COVERED, "%s to %s, by %s", outcome->event, outcome->target,
                          outcome->covered_by);
            break;
        case OUTCOME_SKIPPED:
        case OUTCOME_DEAD:
            *(outcome->state == OUTCOME_DEAD ? &proof->dead : &proof->skipped) += 1;
            if (!*outcome->error)
                proof_add(proof, CHECK_NO_REASON, "%s to %s", outcome->event, outcome->target);
            break;
        default:
            proof_add(proof, CHECK_UNFINISHED, "%s to %s, state %d", outcome->event, outcome->target,
                      outcome->state);
        }
    }
}

/* ── together ── */

bool proof_edits_wait(const void *arg, unsigned record, const char *field)
{
    const struct learnt *learnt = arg;

    for (size_t i = 0; i < learnt->count; i++)
        if (learnt->contests[i].record == record && learnt->contests[i].waits &&
            strcmp(learnt->contests[i].field, field) == 0)
            return true;
    return false;
}

void proof_edits(struct proof *proof)
{
    struct json *data[EDITS_RECORDS] = {0};
    struct learnt learnt = {0};

    learn_events(proof);
    learn_conflicts(proof, &learnt);
    check_outcomes(proof);
    proof_agree(proof, &learnt, data);
    for (size_t i = 0; i < edits_count(proof->edits); i++)
        if (edits_at(proof->edits, i)->seq && edits_at(proof->edits, i)->field)
            check_edit(proof, &learnt, edits_at(proof->edits, i), data);
    check_marks(proof, data);
    for (unsigned i = 0; i < EDITS_RECORDS; i++)
        json_free(data[i]);
    free(learnt.contests);
}

static void write_rows(FILE *out, const char *title, const char *sql)
{
    struct rows *rows = store_query(sql);

    fprintf(out, "%-23s", title);
    for (unsigned i = 0; rows && i < store_count(rows); i++)
        fprintf(out, "%s%s %s", i ? ", " : "", store_text(rows, i, 0), store_text(rows, i, 1));
    fputs("\n", out);
    store_rows_free(&rows);
}

void proof_edits_write(const struct proof *proof, FILE *out)
{
    const struct proof_edits *counts = &proof->edit_counts;
    struct edits_counts done = edits_counts(proof->edits);

    fprintf(out,
            "edits                  %zu accepted in %zu requests, %zu without an answer, %zu with 503, 429 "
            "or 409\n",
            edits_count(proof->edits), done.requests, done.failed, done.unavailable);
    fprintf(
        out,
        "                       %zu are in the record, %zu were sides of a conflict, %zu were overwritten by "
        "a later one, %zu cannot be told apart\n",
        counts->in_record, counts->decided, counts->overwritten, counts->not_told_apart);
    write_rows(out, "conflicts", "SELECT count(*), status FROM sync_conflicts GROUP BY 2 ORDER BY 2");
    write_rows(out, "  of types",
               "SELECT count(*), t FROM sync_conflicts, unnest(types) AS t GROUP BY 2 ORDER BY 1 DESC");
    write_rows(
        out, "  fields by strategy",
        "SELECT count(*), CASE WHEN (r ->> 'waits')::boolean THEN 'for a person after ' ELSE '' END || (r "
        "->> 'policy') FROM sync_conflict_resolutions s, "
        "json_array_elements(convert_from(substr(s.rules, 2), 'UTF8')::json) AS r WHERE s.kind = 'policy' "
        "GROUP BY 2 ORDER BY 1 DESC");
    write_rows(out, "  decided by",
               "SELECT count(*), kind FROM sync_conflict_resolutions GROUP BY 2 ORDER BY 2");
    fprintf(out, "  by the driver        %zu decided, %zu times another was faster\n", done.decided,
            done.faster);
    fprintf(
        out,
        "agreement              %zu fields compared at three platforms; left out: %zu wait for a person, %zu "
        "died on the way, %zu were told late and without a version\n",
        counts->compared, counts->waiting, counts->died, counts->told_late);
}
