/*
 * bare_curl: posts of a delivery's size over one curl multi handle with kept connections: the ceiling of any worker on it.
 *
 *   bare-curl URL COUNT [CONNECTIONS]      prints {"posts":N,"failed":N,"seconds":S,"rate":R}
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONNECTIONS_MAX 256

struct transfer {
    CURL *easy;
    char body[640];
};

struct run {
    CURLM *multi;
    const char *url;
    struct curl_slist *headers;
    long count, started, done, failed;
    struct transfer transfers[CONNECTIONS_MAX];
};

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static size_t ignore_body(char *data, size_t size, size_t count, void *arg)
{
    (void)data, (void)arg;
    return size * count;
}

static void start(struct run *run, struct transfer *transfer)
{
    snprintf(transfer->body, sizeof transfer->body,
             "{\"event_id\":\"01890000-0000-7000-8000-%012ld\",\"event_type\":\"user_created\",\"source_"
             "platform\":"
             "\"bizoholic\",\"tenant_id\":\"bench\",\"user_id\":null,\"data\":{\"customer_id\":\"run-%ld\","
             "\"customer_email\":"
             "\"run-%ld@example.com\",\"customer_name\":\"John "
             "Doe\",\"bench_n\":%ld,\"_sync_metadata\":{\"version\":1,"
             "\"record_id\":\"01890000-0000-8000-8000-%012ld\"}}}",
             run->started, run->started, run->started, run->started, run->started);
    run->started++;
    curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDS, transfer->body);
    curl_multi_add_handle(run->multi, transfer->easy);
}

static void set_up(struct run *run, int connections)
{
    run->multi = curl_multi_init();
    run->headers = curl_slist_append(NULL, "Content-Type: application/json");
    for (int i = 0; i < connections && run->started < run->count; i++) {
        struct transfer *transfer = &run->transfers[i];

        transfer->easy = curl_easy_init();
        curl_easy_setopt(transfer->easy, CURLOPT_URL, run->url);
        curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, run->headers);
        curl_easy_setopt(transfer->easy, CURLOPT_WRITEFUNCTION, ignore_body);
        curl_easy_setopt(transfer->easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(transfer->easy, CURLOPT_PROXY, "");
        curl_easy_setopt(transfer->easy, CURLOPT_PRIVATE, transfer);
        start(run, transfer);
    }
}

static void collect(struct run *run)
{
    struct transfer *transfer;
    CURLMsg *message;
    long status;
    int left;

    while ((message = curl_multi_info_read(run->multi, &left))) {
        status = 0;
        curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        run->failed += message->data.result != CURLE_OK || status != 200;
        run->done++;
        curl_multi_remove_handle(run->multi, transfer->easy);
        if (run->started < run->count)
            start(run, transfer);
    }
}

int main(int argc, char **argv)
{
    static struct run run;
    int running, connections = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 64;
    double started_s, seconds;

    if (argc < 3 || connections < 1 || connections > CONNECTIONS_MAX) {
        fprintf(stderr, "usage: bare-curl URL COUNT [CONNECTIONS, at most %d]\n", CONNECTIONS_MAX);
        return 2;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    run.url = argv[1];
    run.count = strtol(argv[2], NULL, 10);
    set_up(&run, connections);
    started_s = now_s();
    while (run.done < run.count) {
        if (curl_multi_perform(run.multi, &running) != CURLM_OK)
            return 1;
        collect(&run);
        if (run.done < run.count)
            curl_multi_poll(run.multi, NULL, 0, 100, NULL);
    }
    seconds = now_s() - started_s;
    printf("{\"posts\":%ld,\"failed\":%ld,\"seconds\":%.3f,\"rate\":%.1f}\n", run.done, run.failed, seconds,
           (double)run.done / seconds);
    for (int i = 0; i < connections; i++)
        curl_easy_cleanup(run.transfers[i].easy);
    curl_slist_free_all(run.headers);
    curl_multi_cleanup(run.multi);
    curl_global_cleanup();
    return 0;
}
