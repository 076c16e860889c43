/* person.c: normal forms and keys: see person.h. */
#include "person.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"

/* ── text ── */

/* The letters of U+00C0 to U+017F without what stands above and below them. */
static const char folded[] = "aaaaaaaceeeeiiiidnooooo ouuuuytsaaaaaaaceeeeiiiidnooooo ouuuuyty"
                             "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllll"
                             "lllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

/* One character as it is compared: 0 separates words. *step: bytes read. Other scripts stay as they are, byte by byte. */
static char fold(const unsigned char *at, size_t left, size_t *step)
{
    unsigned point;

    *step = 1;
    if (*at >= 'A' && *at <= 'Z')
        return (char)(*at - 'A' + 'a');
    if ((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9'))
        return (char)*at;
    if (*at < 0x80)
        return 0;
    if (left > 1 && *at >= 0xC3 && *at <= 0xC5) {
        point = (unsigned)(*at & 0x1F) << 6 | (at[1] & 0x3F);
        *step = 2;
        return folded[point - 0xC0] == ' ' ? 0 : folded[point - 0xC0];
    }
    return (char)*at;
}

static void end_word(struct person_words *words, char word[PERSON_WORD_MAX + 1], size_t *len,
                     const char *(*normal)(const char *word))
{
    const char *kept;

    word[*len] = '\0';
    kept = *len > 0 ? normal(word) : NULL;
    if (kept && words->count < PERSON_WORDS_MAX)
        snprintf(words->word[words->count++], PERSON_WORD_MAX + 1, "%s", kept);
    *len = 0;
}

/* normal: what a word is kept as; NULL: not at all. */
static void add_words(struct person_words *words, const char *text, size_t text_len,
                      const char *(*normal)(const char *word))
{
    char word[PERSON_WORD_MAX + 1];
    size_t len = 0, step;

    for (size_t i = 0; i < text_len; i += step) {
        char c = fold((const unsigned char *)text + i, text_len - i, &step);
        if (c == 0 && text[i] == '\'')
            continue; /* O'Neill */
        if (c == 0)
            end_word(words, word, &len, normal);
        else if (len < PERSON_WORD_MAX)
            word[len++] = c;
    }
    end_word(words, word, &len, normal);
}

static const char *name_word(const char *word)
{
    static const char *const titles[] = {"mr",  "mrs",  "ms",   "miss", "dr", "prof",
                                         "sir", "herr", "frau", "shri", "smt"};

    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (strcmp(word, titles[i]) == 0)
            return NULL;
    return word;
}

static const char *address_word(const char *word)
{
    static const char *const forms[][2] = {
        {"street", "st"}, {"road", "rd"},        {"avenue", "ave"},  {"av", "ave"},
        {"lane", "ln"},   {"drive", "dr"},       {"court", "ct"},    {"square", "sq"},
        {"place", "pl"},  {"boulevard", "blvd"}, {"strasse", "str"}, {"apartment", "apt"},
        {"flat", "apt"},  {"number", NULL},      {"no", NULL},       {"near", NULL}};

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strcmp(word, forms[i][0]) == 0)
            return forms[i][1];
    return word;
}

void person_normal_name(struct person_words *words, const char *text, size_t len)
{
    add_words(words, text, len, name_word);
}

void person_normal_address(struct person_words *words, const char *text, size_t len)
{
    add_words(words, text, len, address_word);
}

bool person_normal_phone(char out[24], const char *text, size_t len)
{
    char digits[20];
    size_t count = 0, start = 0;
    bool international = false;

    for (size_t i = 0; i < len; i++) {
        if (text[i] >= '0' && text[i] <= '9') {
            if (count == sizeof digits - 1)
                return false;
            digits[count++] = text[i];
        } else if (text[i] == '+' && count == 0) {
            international = true;
        } else if (text[i] == 'x' || text[i] == 'e' || text[i] == ';' || text[i] == '#') {
            break; /* an extension */
        } else if (text[i] >= 'A' && text[i] <= 'z') {
            return false;
        } else if (text[i] == '(' && i + 2 < len && text[i + 1] == '0' && text[i + 2] == ')') {
            i += 2; /* +44 (0)20 */
        }
    }
    digits[count] = '\0';
    if (!international && count > 2 && digits[0] == '0' && digits[1] == '0') {
        international = true;
        start = 2;
    }
    while (!international && digits[start] == '0')
        start++;
    if (count - start < 7 || count - start > 15 || digits[start] == '0')
        return false;
    snprintf(out, 24, "%s%s", international ? "+" : "", digits + start);
    return true;
}

/* ── a record ── */

static const char *text_of(const struct json *data, const char *field, size_t *len)
{
    const struct json *value = json_get(data, field);

    *len = 0;
    return json_type(value) == JSON_STRING || json_type(value) == JSON_NUMBER ? json_text(value, len) : NULL;
}

static void add_name(struct person *person, const struct json *data)
{
    static const char *const parts[] = {"first_name", "last_name"};
    size_t len;
    const char *text = text_of(data, "name", &len);

    if (text)
        person_normal_name(&person->name, text, len);
    for (size_t i = 0; person->name.count == 0 && i < 2; i++)
        if ((text = text_of(data, parts[i], &len)))
            person_normal_name(&person->name, text, len);
}

static void add_address(struct person *person, const struct json *data)
{
    static const char *const parts[] = {"address",        "street", "line1",       "address_line1",
                                        "street_address", "zip",    "postal_code", "city"};
    const struct json *inner = json_get(data, "address");
    size_t len;

    if (json_type(inner) == JSON_OBJECT)
        add_address(person, inner);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *text = text_of(data, parts[i], &len);
        if (text)
            person_normal_address(&person->address, text, len);
    }
}

void person_read(struct person *person, const struct json *data, const char *external_id)
{
    struct buf email = BUF_INIT;
    size_t len;
    const char *text;

    *person = (struct person){.email = ""};
    add_name(person, data);
    add_address(person, data);
    if ((text = text_of(data, "email", &len)) && lookup_normal_email(&email, text, len))
        snprintf(person->email, sizeof person->email, "%s", email.data);
    buf_release(&email);
    if ((text = text_of(data, "phone", &len)) && !person_normal_phone(person->phone, text, len))
        person->phone[0] = '\0';
    if (*external_id && (text = text_of(data, external_id, &len)))
        snprintf(person->external, sizeof person->external, "%s", text);
}

/* ── keys ── */

struct keying {
    const uint8_t *key;
    const char *tenant;
    int32_t *keys;
    size_t count;
};

static void add_key(struct keying *k, const char *kind, const char *a, const char *b)
{
    struct buf message = BUF_INIT;
    uint8_t hash[32];
    int32_t value;

    buf_addf(&message, "person");
    buf_add(&message, "", 1);
    buf_add(&message, k->tenant, strlen(k->tenant) + 1);
    buf_add(&message, kind, strlen(kind) + 1);
    buf_add(&message, a, strlen(a) + 1);
    buf_add(&message, b, strlen(b));
    digest_hmac_sha256(k->key, LOOKUP_KEY_LEN, message.data, message.len, hash);
    buf_release(&message);
    memcpy(&value, hash, sizeof value);
    for (size_t i = 0; i < k->count; i++)
        if (k->keys[i] == value)
            return;
    if (k->count < PERSON_KEYS_MAX)
        k->keys[k->count++] = value;
}

static int compare_letters(const void *a, const void *b)
{
    return *(const char *)a - *(const char *)b;
}

/* The same whichever letters changed places. */
static void sort_letters(char out[PERSON_WORD_MAX + 1], const char *word)
{
    size_t len = strlen(word);

    memcpy(out, word, len + 1);
    qsort(out, len, 1, compare_letters);
}

/* A word as it is, with the beginning of another: the other may be misspelt. */
static void key_name(struct keying *k, const struct person_words *name)
{
    char sorted[2][PERSON_WORD_MAX + 1], initial[2] = "";

    for (size_t a = 0; a < name->count && a < 4; a++)
        for (size_t b = 0; b < name->count && b < 4; b++) {
            if (a == b)
                continue;
            initial[0] = name->word[b][0];
            add_key(k, "name", name->word[a], initial);
            sort_letters(sorted[0], name->word[a]);
            sort_letters(sorted[1], name->word[b]);
            if (strcmp(sorted[0], sorted[1]) < 0)
                add_key(k, "letters", sorted[0], sorted[1]);
        }
    if (name->count == 1)
        add_key(k, "name", name->word[0], "");
}

static bool is_number(const char *word)
{
    return word[0] >= '0' && word[0] <= '9';
}

/* A house number with each word, and any two numbers. A postal code with its city is everybody's there. */
static void key_address(struct keying *k, const struct person_words *address)
{
    for (size_t a = 0; a < address->count; a++) {
        const char *number = address->word[a];
        for (size_t b = 0; is_number(number) && b < address->count; b++) {
            const char *other = address->word[b];
            bool both = is_number(other);
            if ((both && a < b) || (!both && strlen(number) <= 3 && strlen(other) > 2))
                add_key(k, "address", number, other);
        }
    }
}

size_t person_keys(const struct person *person, const uint8_t key[LOOKUP_KEY_LEN], const char *tenant,
                   int32_t keys[PERSON_KEYS_MAX])
{
    struct keying k = {.key = key, .tenant = tenant, .keys = keys};
    size_t len = strlen(person->phone), local = strcspn(person->email, "@");
    char part[PERSON_TEXT_MAX];

    if (len > 0)
        add_key(&k, "phone", person->phone + (len > 8 ? len - 8 : 0), "");
    if (*person->email)
        add_key(&k, "email", person->email, "");
    if (local >= 5) {
        snprintf(part, sizeof part, "%.*s", (int)local, person->email);
        add_key(&k, "mailbox", part, "");
    }
    if (*person->external)
        add_key(&k, "external", person->external, "");
    key_name(&k, &person->name);
    key_address(&k, &person->address);
    return k.count;
}
