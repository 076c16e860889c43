/*
 * stream_command.c: builds commands in RESP, the bytes that Redis reads.
 *
 * Every word goes out with its length in front, so that no content can be mistaken for another word. Written here instead of
 * with the library's format strings, which cannot hold a script's text and its hash for one command at the same time.
 */
#include "stream_internal.h"

#include "mem.h"

static void add_word(struct buf *out, const void *word, size_t len)
{
    buf_add_ch(out, '$');
    buf_add_int(out, (int64_t)len);
    buf_add(out, "\r\n", 2);
    buf_add(out, word, len);
    buf_add(out, "\r\n", 2);
}

static struct stream_command *new_command(void)
{
    struct stream_command *command = mem_alloc(sizeof(*command));
    buf_init(&command->words);
    return command;
}

struct stream_command *stream_command(const char *verb)
{
    struct stream_command *command = new_command();
    stream_add(command, verb);
    return command;
}

struct stream_command *stream_script(const char *lua, unsigned keys)
{
    struct stream_command *command = new_command();
    command->script = lua;
    stream_add_int(command, keys);
    return command;
}

void stream_command_free(struct stream_command **command)
{
    if (*command) {
        buf_release(&(*command)->words);
        free(*command);
        *command = NULL;
    }
}

void stream_add_len(struct stream_command *command, const void *word, size_t len)
{
    if (len > STREAM_COMMAND_MAX || command->words.len > STREAM_COMMAND_MAX - len) {
        command->too_big = true;
        return;
    }
    add_word(&command->words, word, len);
    command->count++;
}

void stream_add(struct stream_command *command, const char *word)
{
    stream_add_len(command, word, strlen(word));
}

void stream_add_int(struct stream_command *command, int64_t value)
{
    char text[24];
    int len = snprintf(text, sizeof(text), "%lld", (long long)value);
    stream_add_len(command, text, (size_t)len);
}

void stream_add_uuid(struct stream_command *command, const struct uuid *uuid)
{
    char text[UUID_TEXT_LEN + 1];
    uuid_format(uuid, text);
    stream_add_len(command, text, UUID_TEXT_LEN);
}

void stream_command_write(const struct stream_command *command, const char *sha, struct buf *out)
{
    buf_add_ch(out, '*');
    buf_add_int(out, command->count + (command->script ? 2 : 0));
    buf_add(out, "\r\n", 2);
    if (command->script) {
        const char *text = *sha ? sha : command->script;
        add_word(out, *sha ? "EVALSHA" : "EVAL", *sha ? 7 : 4);
        add_word(out, text, strlen(text));
    }
    buf_add(out, command->words.data, command->words.len);
}

struct stream_command *stream_command_setname(const char *name)
{
    struct stream_command *command = stream_command("CLIENT");
    struct buf clean;
    buf_init(&clean);
    for (const char *c = name && *name ? name : "sync"; *c; c++)
        buf_add_ch(&clean, *c > ' ' && *c <= '~' ? *c : '_');
    stream_add(command, "SETNAME");
    stream_add_len(command, clean.data, clean.len);
    buf_release(&clean);
    return command;
}

void stream_queue_init(struct stream_queue *queue)
{
    *queue = (struct stream_queue){NULL, &queue->head, 0};
}

void stream_queue_push(struct stream_queue *queue, struct stream_command *command)
{
    command->next = NULL;
    *queue->tail = command;
    queue->tail = &command->next;
    queue->count++;
}

struct stream_command *stream_queue_pop(struct stream_queue *queue)
{
    struct stream_command *command = queue->head;
    if (command) {
        queue->head = command->next;
        if (!queue->head)
            queue->tail = &queue->head;
        queue->count--;
    }
    return command;
}
