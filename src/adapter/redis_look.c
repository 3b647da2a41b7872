/* A page of keys at a time, whose questions go out together: types and sizes, then the values. */
#include "adapter/redis_look.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum { PAGE_KEYS = 200, PAGE_KEYS_MAX = 100000, CURSOR_SIZE = 24 };

struct redis_look {
    redisContext *context;
    redisReply *held; /* what the newest view lies in */
};

enum status redis_look_open(const struct redis_server *server, struct redis_look **out_look,
                            struct error *out_error)
{
    struct redis_look *look = calloc(1, sizeof *look);
    if (look == NULL) return error_set(out_error, STATUS_LIMIT, "no memory");
    enum status status = redis_connect(server, REDIS_LOOK_MS_MAX, &look->context, out_error);
    if (status == STATUS_OK)
        *out_look = look;
    else
        free(look);
    return status;
}

static void reply_free(redisReply *reply)
{
    if (reply != NULL) freeReplyObject(reply);
}

void redis_look_close(struct redis_look *look)
{
    if (look == NULL) return;
    reply_free(look->held);
    redisFree(look->context);
    free(look);
}

static struct str text_of(const redisReply *reply)
{
    bool text =
        reply != NULL && (reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS);
    return text ? (struct str){ reply->str, reply->len } : STR("");
}

/* What an answer that is none says its caller may do. */
static enum status fault_of(const struct redis_look *look, const redisReply *reply,
                            struct error *out_error)
{
    if (reply == NULL)
        return error_set(out_error, STATUS_UNAVAILABLE, "Redis does not answer: %s",
                         look->context->errstr);
    if (reply->type != REDIS_REPLY_ERROR)
        return error_set(out_error, STATUS_UNAVAILABLE, "an answer of Redis is not understood");
    bool denied = strncmp(reply->str, "NOPERM", 6) == 0 || strncmp(reply->str, "NOAUTH", 6) == 0;
    return error_set(out_error, denied ? STATUS_DENIED : STATUS_UNAVAILABLE, "Redis: %s",
                     reply->str);
}

enum status redis_look_info(struct redis_look *look,
                            void (*visit)(void *owner, struct str name, struct str value),
                            void *owner, struct error *out_error)
{
    redisReply *reply = redisCommand(look->context, "INFO");
    struct str rest = text_of(reply);
    struct str line;
    enum status status = STATUS_OK;
    if (rest.len == 0) status = fault_of(look, reply, out_error);
    while (str_take_line(&rest, &line)) {
        const char *colon = memchr(line.data, ':', line.len);
        if (colon == NULL || line.data[0] == '#') continue;
        size_t len = (size_t)(colon - line.data);
        struct str value = { colon + 1, line.len - len - 1 };
        if (value.len > 0 && value.data[value.len - 1] == '\r') value.len--;
        visit(owner, (struct str){ line.data, len }, value);
    }
    reply_free(reply);
    return status;
}

/* Keeps the answer for as long as a view of it is good. */
static redisReply *hold(struct redis_look *look, redisReply *reply)
{
    reply_free(look->held);
    look->held = reply;
    return reply;
}

struct str redis_look_setting(struct redis_look *look, const char *name)
{
    const redisReply *reply = hold(look, redisCommand(look->context, "CONFIG GET %s", name));
    bool told = reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2;
    return told ? text_of(reply->element[1]) : STR("");
}

struct str redis_look_field(struct redis_look *look, struct str key, const char *field)
{
    return text_of(hold(look, redisCommand(look->context, "HGET %b %s", key.data, key.len, field)));
}

/* ---- values ---- */

struct page {
    struct redis_look *look;
    const struct redis_look_visitor *visitor;
    const redisReply *keys;
    enum redis_look_type *types;
    int64_t *ttls_ms;
    struct error *error;
};

static struct str key_of(const struct page *page, size_t place)
{
    return text_of(page->keys->element[place]);
}

/* The next answer of those that were asked for together; NULL with an error of the page. */
static redisReply *answer_next(struct page *page)
{
    void *reply = NULL;
    if (redisGetReply(page->look->context, &reply) == REDIS_OK) return reply;
    (void)fault_of(page->look, NULL, page->error); /* told by the caller's status */
    return NULL;
}

static void ask(struct page *page, const char *command, size_t place)
{
    struct str key = key_of(page, place);
    const char *words[2] = { command, key.data };
    const size_t sizes[2] = { strlen(command), key.len };
    (void)redisAppendCommandArgv(page->look->context, 2, words, sizes); /* else no answer comes */
}

static enum redis_look_type type_of(struct str name)
{
    if (str_equal(name, STR("string"))) return REDIS_LOOK_STRING;
    return str_equal(name, STR("hash")) ? REDIS_LOOK_HASH : REDIS_LOOK_OTHER;
}

static enum status types_read(struct page *page)
{
    size_t count = page->keys->elements;
    for (size_t i = 0; i < count; i++) ask(page, "TYPE", i);
    for (size_t i = 0; i < count; i++) {
        redisReply *reply = answer_next(page);
        if (reply == NULL) return STATUS_UNAVAILABLE;
        page->types[i] = type_of(text_of(reply));
        freeReplyObject(reply);
    }
    return STATUS_OK;
}

/* How long it lives, and whether it is small enough to be read. */
static enum status sizes_read(struct page *page)
{
    size_t count = page->keys->elements;
    for (size_t i = 0; i < count; i++) {
        ask(page, "PTTL", i);
        ask(page, page->types[i] == REDIS_LOOK_HASH ? "HLEN" : "STRLEN", i);
    }
    for (size_t i = 0; i < count; i++) {
        redisReply *ttl = answer_next(page);
        redisReply *size = ttl == NULL ? NULL : answer_next(page);
        if (size == NULL) {
            reply_free(ttl);
            return STATUS_UNAVAILABLE;
        }
        long long most =
            page->types[i] == REDIS_LOOK_HASH ? REDIS_LOOK_FIELDS_MAX : REDIS_LOOK_VALUE_SIZE_MAX;
        page->ttls_ms[i] = ttl->type == REDIS_REPLY_INTEGER ? ttl->integer : -1;
        if (size->type != REDIS_REPLY_INTEGER || size->integer > most)
            page->types[i] = REDIS_LOOK_OTHER;
        freeReplyObject(ttl);
        freeReplyObject(size);
    }
    return STATUS_OK;
}

static void fields_take(const redisReply *reply, struct redis_look_value *value)
{
    for (size_t i = 0; i + 1 < reply->elements && value->field_count < REDIS_LOOK_FIELDS_MAX;
         i += 2) {
        struct str text = text_of(reply->element[i + 1]);
        if (text.len > REDIS_LOOK_VALUE_SIZE_MAX) continue;
        value->fields[value->field_count++] =
            (struct redis_look_field_value){ text_of(reply->element[i]), text };
    }
}

static enum status value_visit(struct page *page, size_t place, const redisReply *reply)
{
    enum { GONE = -2 };
    struct redis_look_value value = {
        .key = key_of(page, place),
        .type = page->types[place],
        .ttl_ms = page->ttls_ms[place],
    };
    bool gone = value.ttl_ms == GONE || (reply != NULL && reply->type == REDIS_REPLY_NIL);
    if (gone) return STATUS_OK; /* it expired meanwhile */
    if (reply != NULL && reply->type == REDIS_REPLY_ARRAY) fields_take(reply, &value);
    if (reply != NULL && reply->type == REDIS_REPLY_STRING) value.text = text_of(reply);
    return page->visitor->visit(page->visitor->owner, &value);
}

static enum status values_read(struct page *page)
{
    size_t count = page->keys->elements;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count; i++)
        if (page->types[i] != REDIS_LOOK_OTHER)
            ask(page, page->types[i] == REDIS_LOOK_HASH ? "HGETALL" : "GET", i);
    /* all answers are taken, also after a fault: the connection is used again */
    for (size_t i = 0; i < count; i++) {
        redisReply *reply = NULL;
        bool asked = page->types[i] != REDIS_LOOK_OTHER;
        if (asked && (reply = answer_next(page)) == NULL) return STATUS_UNAVAILABLE;
        if (status == STATUS_OK) status = value_visit(page, i, reply);
        reply_free(reply);
    }
    return status;
}

static enum status page_read(struct page *page)
{
    size_t count = page->keys->elements;
    if (count > PAGE_KEYS_MAX) return error_set(page->error, STATUS_LIMIT, "a page is too large");
    page->types = calloc(count + 1, sizeof *page->types);
    page->ttls_ms = calloc(count + 1, sizeof *page->ttls_ms);
    enum status status = STATUS_OK;
    if (page->types == NULL || page->ttls_ms == NULL)
        status = error_set(page->error, STATUS_LIMIT, "no memory");
    if (status == STATUS_OK) status = types_read(page);
    if (status == STATUS_OK) status = sizes_read(page);
    if (status == STATUS_OK) status = values_read(page);
    free(page->types);
    free(page->ttls_ms);
    return status;
}

enum status redis_look_values(struct redis_look *look, const char *pattern,
                              const struct redis_look_visitor *visitor, bool *out_all,
                              struct error *out_error)
{
    char cursor[CURSOR_SIZE] = "0";
    enum status status = STATUS_OK;
    bool more = true;
    while (status == STATUS_OK && more && !visitor->enough(visitor->owner)) {
        redisReply *reply =
            redisCommand(look->context, "SCAN %s MATCH %s COUNT %d", cursor, pattern, PAGE_KEYS);
        bool good = reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
                    reply->element[0]->type == REDIS_REPLY_STRING &&
                    reply->element[0]->len < sizeof cursor &&
                    reply->element[1]->type == REDIS_REPLY_ARRAY;
        struct page page = { .look = look, .visitor = visitor, .error = out_error };
        if (good) {
            memcpy(cursor, reply->element[0]->str, reply->element[0]->len + 1);
            page.keys = reply->element[1];
            status = page_read(&page);
        } else {
            status = fault_of(look, reply, out_error);
        }
        reply_free(reply);
        more = strcmp(cursor, "0") != 0;
    }
    if (status == STATUS_OK) *out_all = !more;
    return status;
}
