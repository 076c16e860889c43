/*
 * timefmt.c: times and spans as text. Everything is UTC and integer: no locale, no time zone of the machine.
 *
 * A lenient reader here would let two programs order the same two events differently.
 */
#include "timefmt.h"

#include <stdbool.h>
#include <strings.h>

#include "clock.h"
#include "mem.h"

#define DAY_MS 86400000LL
#define YEAR_0_MS (-62167219200000LL) /* 0000-01-01T00:00:00Z */
#define YEAR_9999_MS 253402300799999LL

struct civil {
    int64_t year;
    int month, day; /* from 1 */
    int hour, minute, second, ms;
};

/* Days since 1970-01-01 in the Gregorian calendar: years begin in March, so that the leap day is the last one. */
static int64_t days_of(int64_t year, int month, int day)
{
    int64_t shifted = year + 400 - (month <= 2); /* positive for every year from 0 on */
    int64_t month_from_march = (month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + day_of_year - 719468 - 146097;
}

static void civil_of_days(int64_t days, struct civil *civil)
{
    int64_t shifted = days + 719468; /* since 0000-03-01 */
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    civil->day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    civil->month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    civil->year = year_of_era + era * 400 + (civil->month <= 2);
}

static int days_in_month(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (leap && month == 2);
}

/* -1 when there is no such time; second 60 is checked by the caller. */
static int unix_ms_of(const struct civil *c, int64_t *unix_ms)
{
    if (c->month < 1 || c->month > 12 || c->day < 1 || c->day > days_in_month(c->year, c->month))
        return -1;
    if (c->hour > 23 || c->minute > 59 || c->second > 60)
        return -1;
    int64_t seconds = (c->hour * 60 + c->minute) * 60 + c->second;
    *unix_ms = days_of(c->year, c->month, c->day) * DAY_MS + seconds * 1000 + c->ms;
    return 0;
}

/* A time outside of the years 0 to 9999 becomes the first or last one that RFC 3339 can write. */
void timefmt_rfc3339(int64_t unix_ms, char text[TIMEFMT_LEN + 1])
{
    struct civil c;
    unix_ms = unix_ms < YEAR_0_MS ? YEAR_0_MS : unix_ms > YEAR_9999_MS ? YEAR_9999_MS : unix_ms;
    int64_t days = (unix_ms - YEAR_0_MS) / DAY_MS + YEAR_0_MS / DAY_MS;
    int rest = (int)(unix_ms - days * DAY_MS);
    civil_of_days(days, &c);
    int fields[] = {(int)c.year,       c.month,          c.day,      rest / 3600000,
                    rest / 60000 % 60, rest / 1000 % 60, rest % 1000};
    static const char shape[] = "yyyy-mm-ddThh:mm:ss.mmmZ";
    memcpy(text, shape, sizeof shape);
    for (size_t i = TIMEFMT_LEN, field = sizeof fields / sizeof *fields - 1; i-- > 0;) {
        if (shape[i] >= 'a' && shape[i] <= 'z') {
            text[i] = (char)('0' + fields[field] % 10);
            fields[field] /= 10;
        } else if (i < TIMEFMT_LEN - 1) {
            field--;
        }
    }
}

struct cursor {
    const char *at;
    const char *end;
};

/* Exactly `count` digits. */
static bool take_digits(struct cursor *c, int count, int *value)
{
    *value = 0;
    if (c->end - c->at < count)
        return false;
    for (int i = 0; i < count; i++, c->at++) {
        if (*c->at < '0' || *c->at > '9')
            return false;
        *value = *value * 10 + (*c->at - '0');
    }
    return true;
}

/* One of these characters. */
static bool take_one(struct cursor *c, const char *set)
{
    if (c->at == c->end || *c->at == '\0' || strchr(set, *c->at) == NULL)
        return false;
    c->at++;
    return true;
}

static bool take_text(struct cursor *c, const char *text)
{
    size_t len = strlen(text);
    if ((size_t)(c->end - c->at) < len || memcmp(c->at, text, len) != 0)
        return false;
    c->at += len;
    return true;
}

/* Which of the names follows, from 1; 0 for none. Names are cut to `letters` (0: whole). */
static int take_name(struct cursor *c, const char *const *names, int count, size_t letters)
{
    for (int i = 0; i < count; i++) {
        size_t len = letters > 0 ? letters : strlen(names[i]);
        if ((size_t)(c->end - c->at) >= len && memcmp(c->at, names[i], len) == 0) {
            c->at += len;
            return i + 1;
        }
    }
    return 0;
}

static bool take_fraction(struct cursor *c, int *ms)
{
    *ms = 0;
    if (!take_one(c, "."))
        return true;
    const char *start = c->at;
    int scale = 100, digit;
    while (take_digits(c, 1, &digit)) {
        *ms += digit * scale;
        scale /= 10;
    }
    return c->at > start;
}

static bool take_offset(struct cursor *c, int *minutes)
{
    int hour, minute;
    *minutes = 0;
    if (take_one(c, "Zz"))
        return true;
    bool west = c->at < c->end && *c->at == '-';
    if (!take_one(c, "+-") || !take_digits(c, 2, &hour) || !take_one(c, ":") || !take_digits(c, 2, &minute))
        return false;
    if (hour > 23 || minute > 59)
        return false;
    *minutes = west ? -(hour * 60 + minute) : hour * 60 + minute;
    return true;
}

static bool take_clock(struct cursor *c, struct civil *time)
{
    return take_digits(c, 2, &time->hour) && take_one(c, ":") && take_digits(c, 2, &time->minute) &&
           take_one(c, ":") && take_digits(c, 2, &time->second);
}

/* Second 60 is taken as the first instant of the next minute, and only where a leap second can be: 23:59 UTC. */
int timefmt_parse(const char *text, size_t len, int64_t *unix_ms)
{
    struct cursor c = {text, text + len};
    struct civil time;
    int year, offset;
    int64_t ms;
    if (!take_digits(&c, 4, &year) || !take_one(&c, "-") || !take_digits(&c, 2, &time.month) ||
        !take_one(&c, "-") || !take_digits(&c, 2, &time.day) || !take_one(&c, "Tt ") ||
        !take_clock(&c, &time) || !take_fraction(&c, &time.ms) || !take_offset(&c, &offset) || c.at != c.end)
        return -1;
    time.year = year;
    bool leap = time.second == 60;
    if (leap)
        time.ms = 0;
    if (unix_ms_of(&time, &ms) < 0)
        return -1;
    ms -= (int64_t)offset * 60000;
    if (leap && ms % DAY_MS != 0)
        return -1;
    *unix_ms = ms;
    return 0;
}

static const char *const month_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const day_names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday"};

/* Two digits mean the year of that ending that is not more than 50 years ahead (RFC 9110 §5.6.7). */
static int whole_year(int two_digits)
{
    struct civil now;
    civil_of_days(clock_wall_ms() / DAY_MS, &now);
    int year = (int)(now.year - now.year % 100) + two_digits;
    return year > now.year + 50 ? year - 100 : year;
}

static bool take_imf_date(struct cursor *c, struct civil *time)
{ /* "06 Nov 1994 08:49:37 GMT" */
    int year;
    if (!take_digits(c, 2, &time->day) || !take_one(c, " ") ||
        (time->month = take_name(c, month_names, 12, 0)) == 0 || !take_one(c, " ") ||
        !take_digits(c, 4, &year) || !take_one(c, " ") || !take_clock(c, time))
        return false;
    time->year = year;
    return take_text(c, " GMT");
}

static bool take_rfc850_date(struct cursor *c, struct civil *time)
{ /* "06-Nov-94 08:49:37 GMT" */
    int year;
    if (!take_digits(c, 2, &time->day) || !take_one(c, "-") ||
        (time->month = take_name(c, month_names, 12, 0)) == 0 || !take_one(c, "-") ||
        !take_digits(c, 2, &year) || !take_one(c, " ") || !take_clock(c, time))
        return false;
    time->year = whole_year(year);
    return take_text(c, " GMT");
}

static bool take_asctime_date(struct cursor *c, struct civil *time)
{ /* "Nov  6 08:49:37 1994" */
    int year;
    if ((time->month = take_name(c, month_names, 12, 0)) == 0 || !take_one(c, " "))
        return false;
    if (!(take_one(c, " ") ? take_digits(c, 1, &time->day) : take_digits(c, 2, &time->day)))
        return false;
    if (!take_one(c, " ") || !take_clock(c, time) || !take_one(c, " ") || !take_digits(c, 4, &year))
        return false;
    time->year = year;
    return true;
}

/* The name of the day has to be one, but need not be the right one: nothing depends on it. */
int timefmt_parse_http_date(const char *text, int64_t *unix_ms)
{
    struct cursor c = {text, text + strlen(text)};
    struct civil time = {0};
    bool good;
    if (take_name(&c, day_names, 7, 0) != 0)
        good = take_text(&c, ", ") && take_rfc850_date(&c, &time);
    else if (take_name(&c, day_names, 7, 3) != 0)
        good = take_text(&c, ", ") ? take_imf_date(&c, &time)
                                   : take_one(&c, " ") && take_asctime_date(&c, &time);
    else
        good = false;
    return good && c.at == c.end ? unix_ms_of(&time, unix_ms) : -1;
}

int timefmt_parse_span(const char *text, int64_t *ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"", 1000}, {"s", 1000}, {"ms", 1}, {"m", 60000}, {"h", 3600000}, {"d", DAY_MS}};
    int64_t value = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *at - '0', &value))
            return -1;
    }
    if (at == text)
        return -1;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(at, units[i].unit) == 0)
            return __builtin_mul_overflow(value, units[i].ms, ms) ? -1 : 0;
    }
    return -1;
}
