/* tls_fixture.c: see tls_fixture.h. */
#include "tls_fixture.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "flow_fixture.h"

static bool is_listening(int port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool listening = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;

    close(fd);
    return listening;
}

int tls_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    close(fd);
    return ntohs(address.sin_port);
}

pid_t tls_start(int port, const char *dir)
{
    char command[1024];
    pid_t pid;

    snprintf(command, sizeof command,
             "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -keyout %s/key.pem -out "
             "%s/cert.pem >/dev/null 2>&1",
             dir, dir);
    ck_assert_int_eq(system(command), 0);
    snprintf(command, sizeof command, "127.0.0.1:%d", port);
    if ((pid = fork()) == 0) {
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr) || chdir(dir) != 0)
            _exit(1);
        execlp("openssl", "openssl", "s_server", "-accept", command, "-key", "key.pem", "-cert", "cert.pem",
               "-www", (char *)NULL);
        _exit(127);
    }
    flow_wait(is_listening(port), 10); /* a refused connection would be another reason */
    return pid;
}
