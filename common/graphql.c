/*
 * graphql.c: one request from several stored documents.
 *
 * The stored documents are ours and small, so they are not parsed but cut at their braces: header, variable definitions, the
 * root field with its selection. What must hold for that is checked, as a bug(): a document that does not hold to it would send
 * something else than it says.
 */
#include "graphql.h"

#include <ctype.h>

#include "log.h"
#include "mem.h"

#define NAME_CHARACTERS "_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* A stored document, cut up: [from, to) each. */
struct document {
    bool mutation;
    const char *name, *name_end;
    const char *definitions,
        *definitions_end;        /* between the parentheses; equal when there are no variables */
    const char *root, *root_end; /* what stands between the outermost braces */
};

/* Comments stand in lines of their own. */
static const char *skip_blanks(const char *at)
{
    for (;;) {
        at += strspn(at, " \t\r\n");
        if (*at != '#')
            return at;
        at += strcspn(at, "\n");
    }
}

static const char *skip_word(const char *at, const char *word)
{
    size_t len = strlen(word);
    return strncmp(at, word, len) == 0 && strchr(" \t\n", at[len]) != NULL ? skip_blanks(at + len) : NULL;
}

/* Behind the bracket that closes the one at `at`. */
static const char *skip_brackets(const char *at)
{
    int depth = 0;
    do {
        if (*at == '\0')
            bug("a GraphQL document ends before its brackets are closed");
        depth += strchr("({[", *at) != NULL;
        depth -= strchr(")}]", *at) != NULL;
        at++;
    } while (depth > 0);
    return at;
}

/* One root field, without an alias: its name, arguments, selection, and nothing behind. */
static void check_root(const struct document *document)
{
    const char *at = skip_blanks(document->root);
    size_t len = strspn(at, NAME_CHARACTERS);
    at = skip_blanks(at + len);
    if (*at == '(')
        at = skip_blanks(skip_brackets(at));
    if (len > 0 && *at == '{')
        at = skip_blanks(skip_brackets(at));
    if (len == 0 || at != document->root_end)
        bug("the GraphQL document %.*s has not one root field", (int)(document->name_end - document->name),
            document->name);
}

static struct document cut(const char *text)
{
    struct document document = {0};
    const char *at = skip_blanks(text);
    const char *name = skip_word(at, "mutation");
    document.mutation = name != NULL;
    if (name == NULL && (name = skip_word(at, "query")) == NULL)
        bug("a GraphQL document is neither a query nor a mutation");
    document.name = name;
    document.name_end = name + strspn(name, NAME_CHARACTERS);
    at = skip_blanks(document.name_end);
    if (*at == '(') {
        document.definitions = at + 1;
        at = skip_brackets(at);
        document.definitions_end = at - 1;
        at = skip_blanks(at);
    }
    if (document.name == document.name_end || *at != '{')
        bug("a GraphQL document has no name or no selection");
    document.root = at + 1;
    document.root_end = skip_brackets(at) - 1;
    check_root(&document);
    return document;
}

bool graphql_is_mutation(const char *document)
{
    return cut(document).mutation;
}

const char *graphql_operation_name(const char *document, size_t *len)
{
    struct document parts = cut(document);
    *len = (size_t)(parts.name_end - parts.name);
    return parts.name;
}

/* Text of a document with each $name as $o<index>_name, and blanks in a row as one. */
static void add_renamed(struct buf *query, const char *from, const char *to, size_t index)
{
    while (from < to) {
        if (isspace((unsigned char)*from)) {
            from += strspn(from, " \t\r\n");
            if (from < to)
                buf_add_ch(query, ' ');
            continue;
        }
        buf_add_ch(query, *from);
        if (*from++ == '$')
            buf_addf(query, "o%zu_", index);
    }
}

static void add_definitions(struct buf *query, const struct document *documents, size_t count)
{
    size_t before = query->len;
    for (size_t i = 0; i < count; i++) {
        const struct document *document = &documents[i];
        if (document->definitions == document->definitions_end)
            continue;
        buf_add_str(query, query->len == before ? "(" : ", ");
        add_renamed(query, document->definitions, document->definitions_end, i);
    }
    if (query->len > before)
        buf_add_ch(query, ')');
}

static void add_variables(struct buf *body, const struct graphql_part *parts, size_t count)
{
    bool first = true;
    buf_add_str(body, ",\"variables\":{");
    for (size_t i = 0; i < count; i++) {
        struct json_iter iter = {NULL};
        const char *name;
        struct json *value;
        while (parts[i].variables != NULL && json_next(parts[i].variables, &iter, &name, &value)) {
            buf_addf(body, "%s\"o%zu_%s\":", first ? "" : ",", i, name);
            json_write(body, value);
            first = false;
        }
    }
    buf_add_str(body, "}}");
}

void graphql_compose(struct buf *body, const struct graphql_part *parts, size_t count)
{
    struct document documents[GRAPHQL_PARTS_MAX];
    struct buf query = BUF_INIT;
    if (count == 0 || count > GRAPHQL_PARTS_MAX)
        bug("a GraphQL request of %zu parts", count);
    for (size_t i = 0; i < count; i++) {
        documents[i] = cut(parts[i].document);
        if (documents[i].mutation != documents[0].mutation)
            bug("a GraphQL request of queries and mutations");
    }
    /* Named after the first: servers show the name in their logs. */
    int name_len = (int)(documents[0].name_end - documents[0].name);
    buf_addf(&query, "%s %.*s", documents[0].mutation ? "mutation" : "query", name_len, documents[0].name);
    add_definitions(&query, documents, count);
    buf_add_str(&query, " {");
    for (size_t i = 0; i < count; i++) {
        buf_addf(&query, " o%zu: ", i);
        add_renamed(&query, skip_blanks(documents[i].root), documents[i].root_end, i);
    }
    buf_add_str(&query, "}");
    buf_addf(body, "{\"operationName\":\"%.*s\",\"query\":", name_len, documents[0].name);
    buf_add_json(body, query.data, query.len);
    add_variables(body, parts, count);
    buf_release(&query);
}
