/*
 * Versions are compared as texts of 20 digits: Lua's numbers are doubles. A connection with a call
 * that was not answered is closed, since the answer may still come, to somebody else's question.
 */
#include "adapter/redis_cache.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapter/redis_connection.h"
#include "adapter/redis_scripts.h"
#include "adapter/redis_value.h"
#include "base/check.h"
#include "payment/breaker.h"

enum {
    GENERATION_SIZE = 24,
    SCAN_COUNT = 500,
};

struct link {
    pthread_mutex_t mutex;
    redisContext *context; /* NULL: not connected */
    int timeout_ms;
    struct breaker breaker;
    bool refused;     /* when it was last tried: Redis is there, and does not take us */
    struct error why; /* that */
};

struct redis_cache {
    struct cache port; /* first */
    struct redis_cache_options options;
    struct hmac_key key;
    char *host;
    char *user;
    char meta[REDIS_KEY_SIZE];
    char stem[REDIS_KEY_SIZE]; /* of values, before the generation */
    struct link reading;
    struct link owning;
    char generation[GENERATION_SIZE]; /* the owner's; "" before begin */
    char epoch[REDIS_NUMBER_SIZE];
    struct redis_cache_status status; /* under reading.mutex */
};

const struct redis_cache_options REDIS_CACHE_OPTIONS_DEFAULT = {
    .host = "127.0.0.1",
    .port = 6379,
    .prefix = "tpwallet",
    .ttl_ms = 300000,
    .read_ms = 25,
    .owner_ms = 500,
};

/* ---- A connection ---- */

static void link_drop(struct link *link)
{
    if (link->context != NULL) redisFree(link->context);
    link->context = NULL;
}

static bool answered_ok(redisReply *reply)
{
    bool good = reply != NULL && reply->type != REDIS_REPLY_ERROR;
    if (reply != NULL) freeReplyObject(reply);
    return good;
}

static bool link_connect(struct redis_cache *cache, struct link *link)
{
    const struct redis_cache_options *options = &cache->options;
    const struct redis_server server = {
        .host = cache->host,
        .port = options->port,
        .database = options->database,
        .user = cache->user,
        .password = options->password,
    };
    if (link->context != NULL) return true;
    enum status status = redis_connect(&server, link->timeout_ms, &link->context, &link->why);
    link->refused = status == STATUS_DENIED;
    return status == STATUS_OK;
}

static struct monotonic_time now_of(const struct redis_cache *cache)
{
    return clock_monotonic(cache->options.clock);
}

/* Locks the link. False: it is not to be asked now, or cannot be; to be left either way. */
static bool link_enter(struct redis_cache *cache, struct link *link)
{
    int failed = pthread_mutex_lock(&link->mutex);
    CHECK(failed == 0);
    if (!breaker_allow(&link->breaker, now_of(cache))) {
        if (link == &cache->reading) cache->status.skipped++;
        return false;
    }
    if (link_connect(cache, link)) return true;
    breaker_report(&link->breaker, true, now_of(cache));
    if (link == &cache->reading) cache->status.failures++;
    return false;
}

/* good: Redis has answered what was asked. */
static void link_settle(struct redis_cache *cache, struct link *link, bool good)
{
    breaker_report(&link->breaker, !good, now_of(cache));
    if (good) return;
    link_drop(link);
    if (link == &cache->reading) cache->status.failures++;
}

static void link_leave(struct link *link)
{
    int failed = pthread_mutex_unlock(&link->mutex);
    CHECK(failed == 0);
}

/* ---- Scripts ---- */

enum { WORDS_MAX = 12 };

struct words {
    const char *texts[WORDS_MAX];
    size_t sizes[WORDS_MAX];
    int count;
};

static void word_add_bytes(struct words *words, const void *bytes, size_t size)
{
    CHECK(words->count < WORDS_MAX);
    words->texts[words->count] = bytes;
    words->sizes[words->count++] = size;
}

static void word_add(struct words *words, const char *text)
{
    word_add_bytes(words, text, strlen(text));
}

/* EVAL SCRIPT 1 META STEM ...: the server compiles a script once and keeps it. */
static struct words words_begin(const struct redis_cache *cache, const char *script)
{
    struct words words = { .count = 0 };
    word_add(&words, "EVAL");
    word_add(&words, script);
    word_add(&words, "1");
    word_add(&words, cache->meta);
    word_add(&words, cache->stem);
    return words;
}

/* NULL: it was not answered, or with an error. The reply is the caller's. */
static redisReply *ask(struct link *link, const struct words *words)
{
    redisReply *reply =
        redisCommandArgv(link->context, words->count, (const char **)words->texts, words->sizes);
    if (reply == NULL || reply->type != REDIS_REPLY_ERROR) return reply;
    freeReplyObject(reply);
    return NULL;
}

/* Empty when it is no string. */
static struct str text_of(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING ? (struct str){ reply->str, reply->len } : STR("");
}

static struct redis_seal seal_of(const struct redis_cache *cache)
{
    return (struct redis_seal){ .key = &cache->key,
                                .stem = cache->stem,
                                .now = now_of(cache),
                                .ttl_ms = cache->options.ttl_ms };
}

/* ---- For readers ---- */

static struct redis_frontier frontier_of(redisReply *const fields[4])
{
    return (struct redis_frontier){ text_of(fields[0]), text_of(fields[1]), text_of(fields[2]),
                                    text_of(fields[3]) };
}

struct wanted {
    enum cache_kind kind;
    struct uuid id;
};

/* False: it is not what we have put there; so it is not there. */
static bool answer_read(const struct redis_cache *cache, const redisReply *reply,
                        struct wanted wanted, struct cache_entry *out_entry,
                        struct cache_frontier *out_frontier)
{
    const struct redis_seal seal = seal_of(cache);
    const struct redis_frontier texts = frontier_of(reply->element);
    struct cache_frontier frontier;
    struct redis_value value;
    if (!redis_frontier_read(&seal, &texts, &frontier)) return false;
    if (!redis_value_read(text_of(reply->element[4]), wanted.kind, wanted.id, &value) ||
        !redis_value_sealed(&seal, &value))
        return false;
    /* A fill may be ahead of the frontier; then it is right as of itself. */
    if (frontier.batch < value.version) frontier.batch = value.version;
    *out_entry = redis_value_entry(&value);
    *out_frontier = frontier;
    return true;
}

static enum status redis_get(struct cache *port, enum cache_kind kind, struct uuid id,
                             struct cache_entry *out_entry, struct cache_frontier *out_frontier)
{
    struct redis_cache *cache = (struct redis_cache *)port;
    struct link *link = &cache->reading;
    char suffix[REDIS_KEY_SIZE];
    struct words words = words_begin(cache, REDIS_SCRIPT_GET);
    word_add(&words, redis_value_suffix(kind, id, suffix));
    if (!link_enter(cache, link)) {
        link_leave(link);
        return STATUS_UNAVAILABLE;
    }
    enum status status = STATUS_UNAVAILABLE;
    redisReply *reply = ask(link, &words);
    link_settle(cache, link, reply != NULL);
    if (reply != NULL) {
        bool there = reply->type == REDIS_REPLY_ARRAY && reply->elements == 5;
        bool good = there &&
                    answer_read(cache, reply, (struct wanted){ kind, id }, out_entry, out_frontier);
        status = good ? STATUS_OK : STATUS_NOT_FOUND;
        freeReplyObject(reply);
        if (good) cache->status.hits++;
        if (!good) cache->status.misses++;
        if (there && !good) cache->status.rejected++;
    }
    link_leave(link);
    return status;
}

static enum status redis_fill(struct cache *port, const struct cache_entry *entry)
{
    struct redis_cache *cache = (struct redis_cache *)port;
    struct link *link = &cache->reading;
    char suffix[REDIS_KEY_SIZE];
    char version[REDIS_NUMBER_SIZE];
    char ttl[REDIS_NUMBER_SIZE];
    struct redis_value stored;
    const struct redis_seal seal = seal_of(cache);
    redis_value_make(&seal, entry, &stored);
    struct words words = words_begin(cache, REDIS_SCRIPT_FILL);
    word_add(&words, redis_value_suffix(entry->kind, cache_entry_id(entry), suffix));
    word_add(&words, redis_number_text(entry->version, version));
    word_add_bytes(&words, &stored, redis_value_size(entry->kind));
    word_add(&words, redis_number_text(cache->options.ttl_ms, ttl));
    if (!link_enter(cache, link)) {
        link_leave(link);
        return STATUS_UNAVAILABLE;
    }
    redisReply *reply = ask(link, &words);
    link_settle(cache, link, reply != NULL);
    enum status status = STATUS_UNAVAILABLE;
    if (reply != NULL) status = reply->integer == 1 ? STATUS_OK : STATUS_CONFLICT;
    if (reply != NULL) freeReplyObject(reply);
    link_leave(link);
    return status;
}

/* ---- For the owner ---- */

/* Who is not let in is told so: waiting does not help. */
static enum status unavailable(const struct redis_cache *cache, struct error *out_error)
{
    if (cache->owning.refused) {
        (void)error_set(out_error, STATUS_DENIED, "%s", cache->owning.why.message);
        error_hint(out_error, "look at the user, the password and the database's number");
        return STATUS_DENIED;
    }
    return error_set(out_error, STATUS_UNAVAILABLE, "Redis does not answer");
}

/* One script of the owner; NULL with the status of a failure. The reply is the caller's. */
static redisReply *owner_ask(struct redis_cache *cache, const struct words *words)
{
    struct link *link = &cache->owning;
    redisReply *reply = NULL;
    if (link_enter(cache, link)) {
        reply = ask(link, words);
        link_settle(cache, link, reply != NULL);
    }
    link_leave(link);
    return reply;
}

static enum status owner_do(struct redis_cache *cache, const struct words *words,
                            struct error *out_error)
{
    redisReply *reply = owner_ask(cache, words);
    if (reply == NULL) return unavailable(cache, out_error);
    bool done = reply->type == REDIS_REPLY_INTEGER && reply->integer == 1;
    freeReplyObject(reply);
    if (done) return STATUS_OK;
    return error_set(out_error, STATUS_CONFLICT, "the cache was emptied, or taken over");
}

static void generation_make(struct redis_cache *cache, char out_text[GENERATION_SIZE])
{
    uint64_t number = 0;
    entropy_fill(cache->options.entropy, &number, sizeof number);
    int len = snprintf(out_text, GENERATION_SIZE, "%016" PRIx64, number);
    CHECK(len == 16);
}

enum took { TOOK_FENCED, TOOK_ANEW, TOOK_OVER };

/* What the script of the taking over says; the cache's generation is what stands in Redis. */
static enum took took_read(struct redis_cache *cache, const redisReply *reply, uint64_t head,
                           struct cache_frontier *out_frontier)
{
    if (reply->type == REDIS_REPLY_INTEGER) return TOOK_FENCED;
    bool told = reply->type == REDIS_REPLY_ARRAY && reply->elements == 4;
    if (!told) return TOOK_ANEW;
    const struct redis_seal seal = seal_of(cache);
    const struct redis_frontier texts = frontier_of(reply->element);
    struct cache_frontier frontier;
    if (texts.generation.len >= GENERATION_SIZE || !redis_frontier_read(&seal, &texts, &frontier) ||
        frontier.batch > head)
        return TOOK_ANEW;
    memcpy(cache->generation, texts.generation.data, texts.generation.len + 1);
    *out_frontier = frontier;
    return TOOK_OVER;
}

static enum status fenced(struct error *out_error)
{
    return error_set(out_error, STATUS_FENCED, "a later owner of the lane has the cache");
}

/* Everything is forgotten: a new generation, and the frontier is the head. */
static enum status begin_anew(struct redis_cache *cache, uint64_t head,
                              struct cache_frontier *out_frontier, struct error *out_error)
{
    char head_text[REDIS_NUMBER_SIZE];
    char fresh[GENERATION_SIZE];
    generation_make(cache, fresh);
    struct words words = words_begin(cache, REDIS_SCRIPT_ANEW);
    word_add(&words, cache->epoch);
    word_add(&words, redis_number_text(head, head_text));
    word_add(&words, fresh);
    redisReply *reply = owner_ask(cache, &words);
    if (reply == NULL) return unavailable(cache, out_error);
    bool done = reply->type == REDIS_REPLY_INTEGER && reply->integer == 1;
    freeReplyObject(reply);
    if (!done) return fenced(out_error);
    memcpy(cache->generation, fresh, sizeof fresh);
    *out_frontier = (struct cache_frontier){ head, { 0 } };
    return STATUS_OK;
}

static enum status redis_begin(struct cache *port, uint64_t epoch, uint64_t head,
                               struct cache_frontier *out_frontier, struct error *out_error)
{
    struct redis_cache *cache = (struct redis_cache *)port;
    (void)redis_number_text(epoch, cache->epoch);
    struct words words = words_begin(cache, REDIS_SCRIPT_BEGIN);
    word_add(&words, cache->epoch);
    redisReply *reply = owner_ask(cache, &words);
    if (reply == NULL) return unavailable(cache, out_error);
    enum took took = took_read(cache, reply, head, out_frontier);
    freeReplyObject(reply);
    switch (took) {
    case TOOK_OVER: return STATUS_OK;
    case TOOK_ANEW: return begin_anew(cache, head, out_frontier, out_error);
    case TOOK_FENCED: break;
    }
    return fenced(out_error);
}

static struct words owner_words(const struct redis_cache *cache, const char *script)
{
    struct words words = words_begin(cache, script);
    word_add(&words, cache->generation);
    word_add(&words, cache->epoch);
    return words;
}

static enum status redis_raise_floor(struct cache *port, uint64_t batch, struct error *out_error)
{
    struct redis_cache *cache = (struct redis_cache *)port;
    char text[REDIS_NUMBER_SIZE];
    struct words words = owner_words(cache, REDIS_SCRIPT_FLOOR);
    word_add(&words, redis_number_text(batch, text));
    return owner_do(cache, &words, out_error);
}

static bool update_send(struct redis_cache *cache, const struct cache_entry *entry)
{
    char suffix[REDIS_KEY_SIZE];
    char version[REDIS_NUMBER_SIZE];
    struct redis_value stored;
    const struct redis_seal seal = seal_of(cache);
    redis_value_make(&seal, entry, &stored);
    struct words words = owner_words(cache, REDIS_SCRIPT_UPDATE);
    word_add(&words, redis_value_suffix(entry->kind, cache_entry_id(entry), suffix));
    word_add(&words, redis_number_text(entry->version, version));
    word_add_bytes(&words, &stored, redis_value_size(entry->kind));
    return redisAppendCommandArgv(cache->owning.context, words.count, (const char **)words.texts,
                                  words.sizes) == REDIS_OK;
}

/* All are sent, then all answers are taken: one wait for the network, not one each. */
static bool update_all(struct redis_cache *cache, const struct cache_entry *entries, uint32_t count,
                       bool *out_owned)
{
    *out_owned = true;
    bool good = true;
    for (uint32_t i = 0; good && i < count; i++) good = update_send(cache, &entries[i]);
    for (uint32_t i = 0; good && i < count; i++) {
        void *reply = NULL;
        good = redisGetReply(cache->owning.context, &reply) == REDIS_OK;
        if (reply == NULL) continue;
        const redisReply *answer = reply;
        good = good && answer->type == REDIS_REPLY_INTEGER;
        if (good && answer->integer < 0) *out_owned = false;
        freeReplyObject(reply);
    }
    return good;
}

static enum status redis_update(struct cache *port, const struct cache_entry *entries,
                                uint32_t count, struct error *out_error)
{
    struct redis_cache *cache = (struct redis_cache *)port;
    struct link *link = &cache->owning;
    CHECK(count <= CACHE_ENTRIES_MAX);
    bool owned = true;
    bool good = false;
    if (link_enter(cache, link)) {
        good = update_all(cache, entries, count, &owned);
        link_settle(cache, link, good);
    }
    link_leave(link);
    if (!good) return unavailable(cache, out_error);
    if (owned) return STATUS_OK;
    return error_set(out_error, STATUS_CONFLICT, "the cache was emptied, or taken over");
}

/* A frontier as it is sent, with its seal. */
struct told {
    char batch[REDIS_NUMBER_SIZE];
    char at[REDIS_NUMBER_SIZE];
    struct digest seal;
};

static void frontier_add(const struct redis_cache *cache, const char *generation,
                         struct cache_frontier frontier, struct told *told, struct words *words)
{
    const struct redis_seal seal = seal_of(cache);
    const struct redis_frontier texts = {
        .generation = str_from(generation),
        .batch = str_from(redis_number_text(frontier.batch, told->batch)),
        .at = str_from(redis_number_text((uint64_t)frontier.at.ns, told->at)),
    };
    told->seal = redis_frontier_seal(&seal, &texts);
    word_add(words, told->batch);
    word_add(words, told->at);
    word_add_bytes(words, told->seal.bytes, sizeof told->seal.bytes);
}

static enum status redis_advance(struct cache *port, struct cache_frontier frontier,
                                 struct error *out_error)
{
    struct redis_cache *cache = (struct redis_cache *)port;
    struct told told;
    struct words words = owner_words(cache, REDIS_SCRIPT_ADVANCE);
    frontier_add(cache, cache->generation, frontier, &told, &words);
    return owner_do(cache, &words, out_error);
}

static enum status redis_forget(struct cache *port, struct cache_frontier frontier,
                                struct error *out_error)
{
    struct redis_cache *cache = (struct redis_cache *)port;
    char fresh[GENERATION_SIZE];
    struct told told;
    generation_make(cache, fresh);
    struct words words = owner_words(cache, REDIS_SCRIPT_FORGET);
    frontier_add(cache, fresh, frontier, &told, &words);
    word_add(&words, fresh);
    enum status status = owner_do(cache, &words, out_error);
    if (status == STATUS_OK) memcpy(cache->generation, fresh, sizeof fresh);
    return status;
}

/* ---- Looking after it ---- */

void redis_cache_get_status(struct cache *port, struct redis_cache_status *out_status)
{
    struct redis_cache *cache = (struct redis_cache *)port;
    int failed = pthread_mutex_lock(&cache->reading.mutex);
    CHECK(failed == 0);
    *out_status = cache->status;
    out_status->open = cache->reading.breaker.state == BREAKER_OPEN;
    link_leave(&cache->reading);
}

bool redis_cache_key(struct str key, struct redis_cache_key *out_key)
{
    enum { GENERATION_DIGITS = 16, TAIL = GENERATION_DIGITS + 4 + UUID_TEXT_LEN };
    struct redis_cache_key found = { .kind = CACHE_ACCOUNT };
    if (key.len <= TAIL) return false;
    const char *tail = key.data + key.len - TAIL;
    const char *kind = tail + 1 + GENERATION_DIGITS; /* ":a:ID" */
    bool formed = tail[0] == ':' && kind[0] == ':' && kind[2] == ':' &&
                  (kind[1] == 'a' || kind[1] == 'p') &&
                  uuid_parse((struct str){ kind + 3, UUID_TEXT_LEN }, &found.id) == STATUS_OK;
    if (!formed) return false;
    if (kind[1] == 'p') found.kind = CACHE_PAYMENT;
    found.stem = (struct str){ key.data, key.len - TAIL };
    found.generation = (struct str){ tail + 1, GENERATION_DIGITS };
    *out_key = found;
    return true;
}

bool redis_cache_value(const struct redis_cache_key *key, struct str stored,
                       struct cache_entry *out_entry)
{
    struct redis_value value;
    if (!redis_value_read(stored, key->kind, key->id, &value)) return false;
    *out_entry = redis_value_entry(&value);
    return true;
}

/* PREFIX:LANE:GENERATION:a:ID. False: it is not one of ours. */
static bool key_read(const struct redis_cache *cache, const redisReply *reply,
                     const char *generation, enum cache_kind *out_kind, struct uuid *out_id)
{
    struct redis_cache_key key;
    struct str stem = { cache->stem, strlen(cache->stem) - 1 }; /* without its colon */
    bool is = redis_cache_key(text_of(reply), &key) && str_equal(key.stem, stem) &&
              str_equal(key.generation, str_from(generation));
    if (!is) return false;
    *out_kind = key.kind;
    *out_id = key.id;
    return true;
}

static bool scan_page(struct redis_cache *cache, char cursor[REDIS_NUMBER_SIZE],
                      const char *generation,
                      bool (*visit)(void *owner, enum cache_kind kind, struct uuid id), void *owner)
{
    redisReply *reply = redisCommand(cache->owning.context, "SCAN %s MATCH %s%s:* COUNT %d", cursor,
                                     cache->stem, generation, SCAN_COUNT);
    bool good = reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
                reply->element[0]->type == REDIS_REPLY_STRING &&
                reply->element[0]->len < REDIS_NUMBER_SIZE &&
                reply->element[1]->type == REDIS_REPLY_ARRAY;
    for (size_t i = 0; good && i < reply->element[1]->elements; i++) {
        enum cache_kind kind;
        struct uuid id;
        if (key_read(cache, reply->element[1]->element[i], generation, &kind, &id))
            (void)visit(owner, kind, id); /* it looks at all of them */
    }
    if (good) memcpy(cursor, reply->element[0]->str, reply->element[0]->len + 1);
    if (reply != NULL) freeReplyObject(reply);
    return good;
}

static bool generation_find(struct redis_cache *cache, char out_text[GENERATION_SIZE])
{
    redisReply *reply = redisCommand(cache->owning.context, "HGET %s gen", cache->meta);
    bool found = reply != NULL && reply->type == REDIS_REPLY_STRING && reply->len < GENERATION_SIZE;
    out_text[0] = '\0';
    if (found) memcpy(out_text, reply->str, reply->len + 1);
    if (reply != NULL) freeReplyObject(reply);
    return reply != NULL;
}

enum status redis_cache_list(struct cache *port,
                             bool (*visit)(void *owner, enum cache_kind kind, struct uuid id),
                             void *owner, struct error *out_error)
{
    struct redis_cache *cache = (struct redis_cache *)port;
    struct link *link = &cache->owning;
    char generation[GENERATION_SIZE];
    char cursor[REDIS_NUMBER_SIZE] = "0";
    bool good = link_enter(cache, link);
    if (good) {
        good = generation_find(cache, generation);
        bool more = good && generation[0] != '\0';
        while (good && more) {
            good = scan_page(cache, cursor, generation, visit, owner);
            more = strcmp(cursor, "0") != 0;
        }
        link_settle(cache, link, good);
    }
    link_leave(link);
    return good ? STATUS_OK : unavailable(cache, out_error);
}

enum status redis_cache_drop(struct cache *port, struct error *out_error)
{
    struct redis_cache *cache = (struct redis_cache *)port;
    struct link *link = &cache->owning;
    bool good = link_enter(cache, link);
    if (good) {
        good = answered_ok(redisCommand(link->context, "DEL %s", cache->meta));
        link_settle(cache, link, good);
    }
    link_leave(link);
    return good ? STATUS_OK : unavailable(cache, out_error);
}

/* ---- Life ---- */

static void redis_close(struct cache *port)
{
    if (port == NULL) return;
    struct redis_cache *cache = (struct redis_cache *)port;
    link_drop(&cache->reading);
    link_drop(&cache->owning);
    (void)pthread_mutex_destroy(&cache->reading.mutex); /* nobody is inside */
    (void)pthread_mutex_destroy(&cache->owning.mutex);  /* the same */
    free(cache->host);
    free(cache->user);
    secret_wipe(&cache->key, sizeof cache->key);
    free(cache);
}

static void link_init(struct redis_cache *cache, struct link *link, uint32_t timeout_ms)
{
    /* Three calls in a row decide: a slow Redis must not cost more than that. */
    const struct breaker_options breaker = {
        .window_ms = 2000, .calls_min = 3, .failure_percent = 50, .open_ms = 1000, .probes = 1
    };
    int failed = pthread_mutex_init(&link->mutex, NULL);
    CHECK(failed == 0);
    link->timeout_ms = (int)timeout_ms;
    breaker_init(&link->breaker, &breaker, now_of(cache));
}

enum status redis_cache_open(const struct redis_cache_options *options, struct cache **out_cache,
                             struct error *out_error)
{
    struct redis_cache *cache = calloc(1, sizeof *cache);
    if (cache == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for the cache");
    cache->port = (struct cache){ .get = redis_get,
                                  .fill = redis_fill,
                                  .begin = redis_begin,
                                  .raise_floor = redis_raise_floor,
                                  .update = redis_update,
                                  .advance = redis_advance,
                                  .forget = redis_forget,
                                  .close = redis_close };
    cache->options = *options;
    hmac_key_init(&cache->key, options->key);
    cache->host = strdup(options->host);
    cache->user = options->user == NULL ? NULL : strdup(options->user);
    link_init(cache, &cache->reading, options->read_ms);
    link_init(cache, &cache->owning, options->owner_ms);
    int meta = snprintf(cache->meta, REDIS_KEY_SIZE, "%s:%u:meta", options->prefix, options->lane);
    int stem = snprintf(cache->stem, REDIS_KEY_SIZE, "%s:%u:", options->prefix, options->lane);
    bool fits = meta > 0 && meta < REDIS_KEY_SIZE / 2 && stem > 0;
    if (fits && cache->host != NULL && (options->user == NULL || cache->user != NULL)) {
        *out_cache = &cache->port;
        return STATUS_OK;
    }
    redis_close(&cache->port);
    return error_set(out_error, STATUS_LIMIT, "the cache's prefix is too long, or no memory");
}
