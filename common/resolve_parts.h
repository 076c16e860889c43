/*
 * resolve_parts.h: what the files resolve*.c share. Nobody else includes this.
 *
 *   resolve.c ── sorts, takes off what is no change ──▶ a strategy ── proposes ──▶ resolve.c ── whom it waits for, why
 */
#pragma once
#include "json.h"
#include "mem.h"
#include "money.h"
#include "resolve.h"

#define RESOLVE_NOTES_MAX 20 /* places that `why` names; the rest is counted */

/* One field being decided. */
struct contest {
    const struct resolve_input *input;
    const struct resolve_side **sides; /* sorted; the last of each platform; none of them equals the base */
    size_t count;                      /* two at least, of which two differ at least */
    struct resolution *out;
};

/* For a person, whatever was decided. */
void resolve_leave(struct resolution *resolution);
bool resolve_too_many(unsigned types);

/* What a strategy answers with. */
void contest_take(struct contest *contest, const struct resolve_side *side); /* its value, as it is */
/* Takes value; a currency where there is money in it, else NULL. */
void contest_make(struct contest *contest, bool present, struct json *value, const char *currency);
/* For a person; without a proposal the latest is it. A sentence without its end: "the sides cannot be compared". */
void contest_wait(struct contest *contest, const char *format, ...) __attribute__((format(printf, 2, 3)));
void contest_say(struct contest *contest, const char *format, ...) __attribute__((format(printf, 2, 3)));
void contest_name(struct buf *text, const struct resolve_side *side); /* "coreldove's of 2026-…Z" */

bool side_cleared(const struct resolve_side *side);
const struct resolve_side *contest_latest(const struct contest *contest);
const struct resolve_side *contest_of(const struct contest *contest, const char *platform); /* NULL: it has none */

/* resolve_money.c. Money is what has a currency, or a policy with a limit. */
bool money_is_meant(const struct resolve_input *input);
const char *money_currency(const struct resolve_input *input, const struct resolve_side *side); /* may be NULL */
/* Equal, or the same amount seen through the platforms' currencies: 0.01 USD is what 1.00 INR goes out as. */
bool side_is_base(const struct resolve_input *input, const struct resolve_side *side);
bool side_same(const struct resolve_input *input, const struct resolve_side *a, const struct resolve_side *b);
/* In US dollars; -1: no number, no rate, or beyond 64 bits. */
int money_worth(const struct resolve_input *input, const struct resolve_side *side, struct money *worth);
bool money_one_currency(const struct contest *contest); /* all sides have one and the same, or none */
int money_add(struct money a, struct money b, bool subtract, struct money *sum); /* -1 beyond 64 bits */
int money_of(const struct json *value, struct money *money); /* -1: no number, or not exact in 64 bits */
/* The lists of the sides and the base with the money in their elements in one currency: new references in lists[i], of count. An
 * element's amount that is the base's, as its platform got it, is the base's. -1: some rate is missing. */
int money_lists(const struct contest *contest, struct json **lists, const char **currency);

/* resolve_key.c: which elements of lists are the same one: by sku, else id, else value. A text for a map. */
void element_key(struct buf *key, const struct json *element);
void canonical_text(struct buf *text, const struct json *json); /* the same for values that json_equal calls equal */

/* Strategies. */
typedef void (*strategy_cb)(struct contest *contest);
void strategy_latest(struct contest *contest); /* resolve_choice.c */
void strategy_source(struct contest *contest);
void strategy_prefer(struct contest *contest);
void strategy_manual(struct contest *contest);
void strategy_unsent(struct contest *contest);
void strategy_max(struct contest *contest); /* resolve_number.c */
void strategy_min(struct contest *contest);
void strategy_additive(struct contest *contest);
void strategy_states(struct contest *contest); /* resolve_state.c */
void strategy_guarded(struct contest *contest);
void strategy_merge(struct contest *contest);  /* resolve_merge.c */
void strategy_custom(struct contest *contest); /* resolve_custom.c */
