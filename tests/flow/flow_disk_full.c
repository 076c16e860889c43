/*
 * flow_disk_full.c: PostgreSQL lies on a disk of 64 MB that gets full: first its tables cannot grow, then it cannot even write its
 * journal and ends itself. Events are 503 until there is room; then everything that was accepted is delivered, once, and none
 * of our programs was started again.
 *
 * The disk is a tmpfs in a mount namespace of this program and its stack. Root may make one; others in a user namespace of theirs.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "flow_fixture.h"

#define DISK_OPTIONS "size=64m,mode=755"
#define BULK 50
#define ACCEPTED_MAX 400 /* bulks */

static char disk[256];
static pid_t owner;
static const char *const programs[] = {"api-gateway",     "router",   "worker-coreldove",
                                       "worker-bizosaas", "resolver", "monitor"};
static struct {
    const char *name; /* of the claim: ids begin with it */
    pid_t pids[COUNT(programs)];
    int64_t totals[2];
    int bulks, accepted[ACCEPTED_MAX], accepted_count;
} now;

/* ── the disk ── */

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);

    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        printf("%s cannot be written: %m\n", path);
    close(fd);
}

static void end_disk(void)
{
    if (getpid() != owner) /* a claim of its own process */
        return;
    umount2(disk, MNT_DETACH);
    rmdir(disk);
}

/* Before the stack starts, so that all of it is in the namespace. */
static bool make_disk(void)
{
    const char *parent = getenv("TMPDIR");
    uid_t uid = geteuid();
    gid_t gid = getegid();

    owner = getpid();
    snprintf(disk, sizeof disk, "%s/disk.XXXXXX", parent && *parent ? parent : "/tmp");
    if (!mkdtemp(disk) || unshare(uid == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0)
        return false;
    if (uid != 0) {
        write_file("/proc/self/setgroups", "deny");
        write_file("/proc/self/uid_map", api_text("%u %u 1", uid, uid));
        write_file("/proc/self/gid_map", api_text("%u %u 1", gid, gid));
    }
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("disk", disk, "tmpfs", 0, DISK_OPTIONS) != 0)
        return false;
    atexit(end_disk);
    return true;
}

/* PostgreSQL's directory goes onto the disk, with a journal that is small enough for it. */
static void move_postgres(void)
{
    const char *command = api_text(
        "set -e; cd '%s'; mv postgres was; chown --reference=was '%s'; cp -a was '%s/data'; rm -rf was; "
        "ln -s '%s/data' postgres; printf \"max_wal_size = '16MB'\\nmin_wal_size = '8MB'\\n\" "
        ">>postgres/stack.conf; "
        "resetwal=$(ls /usr/lib/postgresql/*/bin/pg_resetwal | sort -V | tail -n 1); "
        "if [ \"$(id -u)\" = 0 ]; then as=\"setpriv --reuid=$(stat -c %%u postgres/) --clear-groups\"; fi; "
        "cd /; ${as:-} \"$resetwal\" --wal-segsize=4 -D '%s/data'",
        stack_dir(), disk, disk, disk, disk);

    stack_stop("postgres");
    ck_assert_int_eq(system(command), 0);
    stack_start("postgres");
}

static void fill_disk(void)
{
    static char block[65536];
    const char *path = api_text("%s/ballast", disk);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);

    ck_assert_msg(fd >= 0, "%s: %m", path);
    for (size_t size = sizeof block; size >= 512;)
        if (write(fd, block, size) < 0)
            size /= 2;
    ck_assert_int_eq(errno, ENOSPC);
    close(fd);
}

static void make_room(void)
{
    ck_assert_int_eq(unlink(api_text("%s/ballast", disk)), 0);
}

/* ── events ── */

/* 200 and all of it stored, or 503 and nothing: true when it was accepted. */
static bool post_bulk(void)
{
    struct buf body = BUF_INIT;
    int bulk = now.bulks++;

    buf_add_str(&body, "{\"events\":[");
    for (int i = 0; i < BULK; i++)
        buf_addf(&body,
                 "%s{\"id\":\"%s-%d-%d\",\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\","
                 "\"target_platforms\":[\"coreldove\",\"bizosaas\"],\"data\":{\"user_id\":\"%s-%d-%d\","
                 "\"email\":\"e@example.com\",\"name\":\"N\"}}",
                 i ? "," : "", now.name, bulk, i, now.name, bulk, i);
    buf_add_str(&body, "]}");
    const struct api_answer *answer = api_post("/sync/events/bulk", body.data);
    buf_release(&body);
    ck_assert_msg(answer->took_us < 2000000 * flow_patience(), "an answer after %lld us",
                  (long long)answer->took_us);
    if (answer->status == 200) {
        for (int i = 0; i < BULK; i++)
            pick_check(answer->json, api_text("/results/%d/status", i), "created");
        ck_assert_int_lt(now.accepted_count, ACCEPTED_MAX);
        now.accepted[now.accepted_count++] = bulk;
        return true;
    }
    ck_assert_msg(answer->status == 503, "%d %s %s", answer->status, answer->why, answer->body);
    ck_assert_ptr_nonnull(api_header(answer, "Retry-After"));
    if (strstr(answer->body, "outcome-unknown"))
        now.bulks--; /* the same ids again: they are taken once */
    return false;
}

static void begin(const char *name)
{
    now.name = name;
    now.totals[0] = fake_total("coreldove");
    now.totals[1] = fake_total("bizosaas");
    for (size_t i = 0; i < COUNT(programs); i++)
        now.pids[i] = stack_pid(programs[i]);
}

static void check_all_delivered_once(void)
{
    flow_wait(sql_int("SELECT count(*) FROM sync_events WHERE status < 2") == 0, 30);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_events WHERE status <> 2"), 0);
    for (int n = 0; n < now.accepted_count; n++)
        ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_events WHERE client_id LIKE '%s-%d-%%'", now.name,
                                 now.accepted[n]),
                         BULK);
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_events WHERE client_id LIKE '%s-%%'", now.name),
                     now.accepted_count * BULK);
    ck_assert_int_eq(fake_total("coreldove") - now.totals[0], now.accepted_count * BULK);
    ck_assert_int_eq(fake_total("bizosaas") - now.totals[1], now.accepted_count * BULK);
    for (size_t i = 0; i < COUNT(programs); i++) {
        ck_assert_msg(stack_running(programs[i]), "%s has ended", programs[i]);
        ck_assert_int_eq(stack_pid(programs[i]), now.pids[i]);
    }
}

START_TEST(a_full_disk_is_503_until_there_is_room_and_then_all_accepted_is_delivered)
{
    move_postgres();
    begin("full");
    flow_wait(post_bulk(), 20);
    fake_control("coreldove",
                 "{\"rules\":[{\"delay_ms\":300}]}"); /* answers come while nothing can be stored */
    for (int i = 0; i < 3; i++)
        post_bulk();
    fill_disk();
    flow_wait(!post_bulk(), 10);
    const struct api_answer *ready = api_get("/readyz");
    ck_assert_int_eq(ready->status, 503);
    pick_equal(ready->json, "/checks/storage", "false");
    pick_check(api_get("/health")->json, "/services/postgresql", "unhealthy");
    ck_assert_int_gt(stack_log_count("api-gateway", "PostgreSQL stores nothing"), 0);
    ck_assert(stack_metric("api-gateway", "sync_storage_refuses") == 1);
    ck_assert(!post_bulk());
    fake_control("coreldove", "{\"rules\":[]}");
    make_room();
    flow_wait(post_bulk(), 15);
    ck_assert_int_eq(api_get("/readyz")->status, 200);
    ck_assert(stack_metric("api-gateway", "sync_storage_refuses") == 0);
    check_all_delivered_once();
}
END_TEST

START_TEST(a_postgres_that_ends_itself_for_want_of_room_loses_nothing)
{
    begin("panic");
    ck_assert(post_bulk());
    fill_disk();
    for (int i = 0; i < 50 && sql_try("SELECT pg_switch_wal() FROM txid_current()"); i++)
        ;
    flow_wait(!post_bulk(), 10);
    flow_wait(stack_log_count("postgres", "PANIC") > 0, 10);
    ck_assert(!post_bulk());
    make_room();
    if (!stack_running("postgres")) /* it gives up where it cannot even recover */
        stack_start("postgres");
    flow_wait(post_bulk(), 20);
    check_all_delivered_once();
}
END_TEST

int main(void)
{
    static const char *const env[] = {"RETRY_SCHEDULE=100ms,200ms", "SYNC_INTERVAL_SECONDS=1s", NULL};
    static const struct stack_options options = {.env = env, .replicas = "worker-bizoholic=0"};

    if (!make_disk()) {
        printf("no disk of its own for PostgreSQL: %m; run as root, or allow user namespaces\n0 passed, 1 "
               "failed\n");
        return 1;
    }
    return flow_run(
        "disk_full", &options,
        (const TTest *[]){a_full_disk_is_503_until_there_is_room_and_then_all_accepted_is_delivered,
                          a_postgres_that_ends_itself_for_want_of_room_loses_nothing, NULL});
}
