/*
 * flow_persons.c: how well one person is found under several ids: persons of whom some are known to be two users, misspelt, formatted
 * otherwise or with parts missing, among namesakes and households. Drawn with a seed: the same ones each time.
 */
#include <stdio.h>
#include <stdlib.h>

#include "buf.h"
#include "flow_fixture.h"

#define TENANT "persons"

static const char *const first_names[] = {
    "Aarav",   "Adele",  "Akash",  "Alice",   "Amelia", "Anita",  "Anna",    "Arjun",   "Beatrice", "Bernd",
    "Brian",   "Carla",  "Carlos", "Chen",    "Clara",  "Daniel", "Deepa",   "Diego",   "Edith",    "Elena",
    "Emil",    "Farah",  "Felix",  "Fiona",   "Gita",   "Gustav", "Hanna",   "Harish",  "Helen",    "Ibrahim",
    "Ines",    "Ingrid", "Isaac",  "Ivan",    "Jana",   "Jorge",  "Joseph",  "Julia",   "Karin",    "Kavita",
    "Kevin",   "Laila",  "Laura",  "Leo",     "Lukas",  "Magda",  "Manoj",   "Marta",   "Martin",   "Meera",
    "Miguel",  "Mohan",  "Nadia",  "Neha",    "Nikhil", "Nora",   "Olga",    "Omar",    "Oscar",    "Paula",
    "Pavel",   "Peter",  "Priya",  "Quentin", "Rahul",  "Renate", "Ricardo", "Rosa",    "Samuel",   "Sandra",
    "Sanjay",  "Sofia",  "Stefan", "Susan",   "Tara",   "Thomas", "Uma",     "Ursula",  "Vera",     "Victor",
    "Vikram",  "Walter", "Wendy",  "Xavier",  "Yara",   "Yusuf",  "Zoe",     "Abigail", "Bruno",    "Cecil",
    "Dorothy", "Ethan",  "Frank",  "Grace",   "Hugo",   "Judith"};
static const char *const surnames[] = {
    "Agarwal",  "Almeida",  "Andersen", "Bauer",    "Becker",   "Bianchi",  "Bose",      "Brandt",
    "Campbell", "Castro",   "Chandra",  "Clarke",   "Costa",    "Desai",    "Dietrich",  "Dubois",
    "Edwards",  "Ferrari",  "Fischer",  "Fletcher", "Fonseca",  "Garcia",   "Ghosh",     "Gonzalez",
    "Graham",   "Gupta",    "Hansen",   "Harrison", "Hoffmann", "Hughes",   "Iyer",      "Jackson",
    "Jensen",   "Joshi",    "Kapoor",   "Keller",   "Kovacs",   "Krishnan", "Kumar",     "Lambert",
    "Larsen",   "Lehmann",  "Lindgren", "Lopez",    "Malhotra", "Marino",   "Martinez",  "Mehta",
    "Meyer",    "Mitchell", "Moreau",   "Mueller",  "Nair",     "Nakamura", "Novak",     "Olsen",
    "Ortega",   "Parker",   "Patel",    "Pereira",  "Petrov",   "Pillai",   "Ramirez",   "Rao",
    "Reddy",    "Richter",  "Romano",   "Rossi",    "Sanchez",  "Santos",   "Schneider", "Schulz",
    "Sharma",   "Silva",    "Simpson",  "Singh",    "Suzuki",   "Svensson", "Tanaka",    "Thompson",
    "Torres",   "Turner",   "Vargas",   "Verma",    "Vogel",    "Wagner",   "Walker",    "Watanabe",
    "Weber",    "Williams", "Wilson",   "Winter",   "Wright",   "Yamada",   "Young",     "Zhang",
    "Ziegler",  "Zimmer",   "Abbott",   "Barker"};
static const char *const streets[] = {
    "Long Street",  "Mill Road",     "Church Lane",   "Station Road",   "Park Avenue",  "High Street",
    "Lake Drive",   "Garden Road",   "Temple Street", "Market Square",  "River Lane",   "Hill Road",
    "Oak Avenue",   "King Street",   "Queen Street",  "Rose Lane",      "School Road",  "Bridge Street",
    "Forest Drive", "Sunset Avenue", "Castle Road",   "Harbour Street", "Maple Avenue", "North Road"};
static const char *const cities[] = {"10115 Berlin",     "400001 Mumbai", "94110 Oakland", "20095 Hamburg",
                                     "560001 Bengaluru", "75001 Paris",   "28001 Madrid",  "110001 Delhi",
                                     "60601 Chicago",    "80331 Munich"};

static uint64_t state = 20260718;

static unsigned draw(unsigned below)
{
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (unsigned)(state >> 33) % below;
}

static bool chance(unsigned percent)
{
    return draw(100) < percent;
}

struct human {
    char first[32], last[32], email[80], phone[32], address[96];
};

static void make(struct human *h, long n)
{
    snprintf(h->first, sizeof h->first, "%s", first_names[draw(COUNT(first_names))]);
    snprintf(h->last, sizeof h->last, "%s", surnames[draw(COUNT(surnames))]);
    snprintf(h->email, sizeof h->email, "%c%s%ld@example.com", h->first[0], h->last, 100 + n);
    snprintf(h->phone, sizeof h->phone, "+49 %u %07u", 30 + draw(60), draw(10000000));
    snprintf(h->address, sizeof h->address, "%u %s, %s", 1 + draw(200), streets[draw(COUNT(streets))],
             cities[draw(COUNT(cities))]);
}

/* Of the same household: name, address and telephone of the one before, another first name. */
static void join(struct human *h, const struct human *with)
{
    memcpy(h->last, with->last, sizeof h->last);
    memcpy(h->address, with->address, sizeof h->address);
    if (chance(50))
        memcpy(h->phone, with->phone, sizeof h->phone);
    while (strcmp(h->first, with->first) == 0)
        snprintf(h->first, sizeof h->first, "%s", first_names[draw(COUNT(first_names))]);
}

/* One letter changed, lost, doubled, or two that changed places; never the first. */
static void misspell(char *text)
{
    size_t len = strcspn(text, "@"), at = 1 + draw((unsigned)len - 2);
    char kept = text[at];

    switch (draw(4)) {
    case 0:
        text[at] = (char)('a' + draw(26));
        break;
    case 1:
        memmove(text + at, text + at + 1, strlen(text + at));
        break;
    case 2:
        memmove(text + at + 1, text + at, strlen(text + at) + 1);
        break;
    default:
        text[at] = text[at + 1] == '@' ? kept : text[at + 1];
        text[at + 1] = text[at + 1] == '@' ? '@' : kept;
    }
}

static void respell_phone(char *phone)
{
    char digits[32] = "";
    size_t len = 0;

    for (const char *at = phone; *at; at++)
        if (*at >= '0' && *at <= '9')
            digits[len++] = *at;
    if (chance(10))
        digits[4 + draw(5)] = (char)('0' + draw(10));
    if (chance(50))
        snprintf(phone, 32, "00%.20s", digits);
    else
        snprintf(phone, 32, "0%.2s/%.8s", digits + 2, digits + 4);
}

/* The same person as another platform has it. */
static void copy_badly(struct human *copy, const struct human *h, long n)
{
    *copy = *h;
    if (chance(70))
        misspell(chance(50) ? copy->first : copy->last);
    if (chance(10))
        copy->first[1] = '\0';
    if (chance(30))
        copy->phone[0] = '\0';
    else
        respell_phone(copy->phone);
    if (chance(30))
        copy->address[0] = '\0';
    else if (strstr(copy->address, "Street") && chance(50))
        memcpy(strstr(copy->address, "Street"), "St    ", 6);
    if (chance(60))
        snprintf(copy->email, sizeof copy->email, "user%ld@example.org", 100000 + n);
    else if (chance(60))
        misspell(copy->email);
}

static void add_event(struct buf *body, const struct human *h, const char *platform, const char *id,
                      bool swapped)
{
    buf_addf(
        body,
        "%s{\"event_type\":\"user_created\",\"source_platform\":\"%s\",\"target_platforms\":[\"bizosaas\"],"
        "\"data\":{\"id\":\"%s\",\"email\":\"%s\",\"name\":\"%s%s%s\"",
        body->len > 12 ? "," : "", platform, id, h->email, swapped ? h->last : h->first, swapped ? ", " : " ",
        swapped ? h->first : h->last);
    if (*h->phone)
        buf_addf(body, ",\"phone\":\"%s\"", h->phone);
    if (*h->address)
        buf_addf(body, ",\"address\":\"%s\"", h->address);
    buf_add_str(body, "}}");
}

static void post(struct buf *body)
{
    buf_add_str(body, "]}");
    const struct api_answer *answer = api_send(&(struct api_request){
        .url = "/sync/events/bulk", .token = api_token(TENANT, "service"), .body = body->data});
    ck_assert_msg(answer->status == 200 && !strstr(answer->body, "refused"), "%d %.2000s", answer->status,
                  answer->body);
    buf_reset(body);
    buf_add_str(body, "{\"events\":[");
}

static void wait_routed(void)
{
    flow_wait(sql_int("SELECT count(*) FROM sync_events WHERE tenant_id = '" TENANT "' AND status = 0") == 0,
              50);
}

START_TEST(suggestions_are_right_and_find_most_and_what_is_bound_by_itself_is_never_wrong)
{
    long persons = flow_size(400, 10000), pairs = persons / 10;
    struct human *people = pick_keep(calloc((size_t)persons, sizeof *people));
    struct buf body = BUF_INIT;

    buf_add_str(&body, "{\"events\":[");
    for (long i = 0; i < persons; i++) {
        make(&people[i], i);
        if (i > 0 && chance(10))
            join(&people[i], &people[i - 1]);
        add_event(&body, &people[i], "bizoholic", api_text("p%ld", i), false);
        if (i % 500 == 499 || i + 1 == persons)
            post(&body);
    }
    wait_routed();
    for (long i = 0; i < pairs; i++) {
        struct human copy;
        copy_badly(&copy, &people[i * 10], i);
        add_event(&body, &copy, "coreldove", api_text("c%ld", i * 10), chance(15));
        if (i % 500 == 499 || i + 1 == pairs)
            post(&body);
    }
    buf_release(&body);
    wait_routed();
    flow_wait(sql_int("SELECT count(*) FROM similar_cursor WHERE event_id >= (SELECT id FROM sync_events "
                      "WHERE tenant_id = '" TENANT "' ORDER BY id DESC LIMIT 1)") == 1,
              persons > 1000 ? 600 : 50);
    /* A pair is p<n> and c<n>. */
    static const char right[] = "substr(entity_id, 2) = substr(other_entity_id, 2) AND entity_id LIKE 'p%' "
                                "AND other_entity_id LIKE 'c%'";
    int64_t bound = sql_int("SELECT count(*) FROM record_links WHERE tenant_id = '" TENANT
                            "' AND status = 'linked'"),
            bound_right = sql_int("SELECT count(*) FROM record_links WHERE tenant_id = '" TENANT
                                  "' AND status = 'linked' AND %s",
                                  right),
            suggested = sql_int("SELECT count(*) FROM record_links WHERE tenant_id = '" TENANT
                                "' AND status = 'suggested'"),
            suggested_right = sql_int("SELECT count(*) FROM record_links WHERE tenant_id = '" TENANT
                                      "' AND status = 'suggested' AND %s",
                                      right);
    printf("%ld persons, %ld known pairs: %lld bound by themselves (%lld wrong), %lld suggested; precision "
           "%.3f, recall %.3f of "
           "what was not bound, %.3f of all\n",
           persons, pairs, (long long)bound, (long long)(bound - bound_right), (long long)suggested,
           (double)suggested_right / (double)suggested,
           (double)suggested_right / (double)(pairs - bound_right),
           (double)(suggested_right + bound_right) / (double)pairs);
    ck_assert_int_gt(bound, 0);
    ck_assert_int_eq(bound, bound_right);
    ck_assert_msg((double)suggested_right >= 0.95 * (double)suggested, "%lld of %lld suggestions are right",
                  (long long)suggested_right, (long long)suggested);
    ck_assert_msg((double)suggested_right >= 0.8 * (double)(pairs - bound_right),
                  "%lld of %lld pairs were found", (long long)suggested_right,
                  (long long)(pairs - bound_right));
}
END_TEST

int main(void)
{
    return flow_run(
        "persons", NULL,
        (const TTest *[]){suggestions_are_right_and_find_most_and_what_is_bound_by_itself_is_never_wrong,
                          NULL});
}
