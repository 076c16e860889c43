/* postgres_fixture.c: see postgres_fixture.h. */
#include "postgres_fixture.h"

#include <ctype.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "flow_fixture.h"

/* The server and its children, first of all itself. */
static size_t server_pids(pid_t *pids, size_t max)
{
    pid_t server = stack_pid("postgres");
    size_t count = 0;
    DIR *proc = opendir("/proc");

    pids[count++] = server;
    for (struct dirent *entry; proc && (entry = readdir(proc)) && count < max;) {
        int parent = 0;
        char path[300];
        FILE *file;
        if (!isdigit((unsigned char)*entry->d_name))
            continue;
        snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        if (!(file = fopen(path, "r")))
            continue;
        if (fscanf(file, "%*d (%*[^)]) %*c %d", &parent) == 1 && parent == server)
            pids[count++] = (pid_t)strtol(entry->d_name, NULL, 10);
        fclose(file);
    }
    closedir(proc);
    return count;
}

/* Whatever becomes of the claim: what stands still could not be ended by anybody else. */
static void move_again_later(const pid_t *pids, size_t count)
{
    if (fork() != 0)
        return;
    setsid();
    for (int fd = 0; fd < 3; fd++)
        close(fd);
    sleep(60);
    for (size_t i = 0; i < count; i++)
        kill(pids[i], SIGCONT);
    _exit(0);
}

void postgres_hang(bool still)
{
    pid_t pids[256];
    size_t count = server_pids(pids, COUNT(pids));

    for (size_t i = 0; i < count; i++)
        kill(pids[still ? i : count - 1 - i], still ? SIGSTOP : SIGCONT);
    if (still)
        move_again_later(pids, count);
}
