/* tpwallet cache check, cache rebuild: the cache of reads held against the ledger, or begun anew. */
#include "adapter/redis_cache.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/answer.h"
#include "cmd/kafka_options.h"
#include "cmd/pause.h"
#include "cmd/report.h"
#include "cmd/serve_cache.h"
#include "cmd/session.h"

enum {
    ANSWER_SIZE_MAX = 16 << 20,
    TARGET_SIZE_MAX = 512,
    LOOKS = 20, /* until the relay must have dealt with what was changed meanwhile */
    LOOK_MS = 250,
    STALE_SHOWN_MAX = 1000,
    FOLLOWED_MS_MAX = 10000,
};
#define ANY_AGE "999999999999999"

struct work {
    const struct invocation *invocation;
    struct serve_cache cache;
    struct session session;
    bool connected;
    struct buf target;
    struct buf exact;
    struct buf cached;
    struct buf stale; /* ids, a line each */
    uint64_t checked;
    uint64_t stale_count;
    uint64_t filled;
    enum status status;
    struct error error;
};

/* ---- The server ---- */

static enum status target_get(struct work *work, struct buf *out_answer, unsigned *out_http)
{
    const struct session_request request = { .method = API_GET, .target = buf_view(&work->target) };
    return session_call(&work->session, &request, out_http, out_answer, &work->error);
}

static const char *path_of(enum cache_kind kind)
{
    return kind == CACHE_ACCOUNT ? "accounts" : "payments";
}

static enum status value_get(struct work *work, enum cache_kind kind, struct uuid id, bool cached,
                             struct buf *out_answer)
{
    char text[UUID_TEXT_LEN + 1];
    unsigned http = 0;
    uuid_format(id, text);
    buf_reset(&work->target);
    buf_append_format(&work->target, "/v1/%s/%s%s", path_of(kind), text,
                      cached ? "?max_stale_ms=" ANY_AGE : "");
    enum status status = target_get(work, out_answer, &http);
    if (status != STATUS_OK || http == 200 || http == 404) return status;
    return error_set(&work->error, STATUS_UNAVAILABLE, "the server answers %u", http);
}

static bool contains(struct str text, struct str part)
{
    for (size_t i = 0; i + part.len <= text.len; i++)
        if (memcmp(text.data + i, part.data, part.len) == 0) return true;
    return false;
}

/* In a cluster the owner of lane 0 follows the cache, and others answer with what they have. */
static enum status not_followed(struct work *work, struct str page)
{
    bool replica = contains(page, STR("\ntpwallet_replica_role{lane=\"0\"} "));
    bool owner = contains(page, STR("\ntpwallet_replica_role{lane=\"0\"} 2\n"));
    if (replica && !owner) {
        (void)error_set(&work->error, STATUS_NOT_FOUND,
                        "the server here does not own lane 0, whose owner keeps the cache");
        error_hint(&work->error, "name the folder of the owner with --data: `tpwallet lane list` "
                                 "says which replica that is");
        return STATUS_NOT_FOUND;
    }
    (void)error_set(&work->error, STATUS_NOT_FOUND, "no server with --redis runs here");
    error_hint(&work->error, "start one, or name its folder with --data");
    return STATUS_NOT_FOUND;
}

/* Whether a server with a cache runs on the folder, and the cache is followed. */
static enum status followed(struct work *work, bool *out_followed)
{
    unsigned http = 0;
    buf_reset(&work->target);
    buf_append_str(&work->target, STR("/metrics"));
    enum status status = target_get(work, &work->exact, &http);
    if (status != STATUS_OK) return status;
    struct str page = buf_view(&work->exact);
    if (!contains(page, STR("\ntpwallet_cache_followed{lane=\"0\"} ")))
        return not_followed(work, page);
    *out_followed = contains(page, STR("\ntpwallet_cache_followed{lane=\"0\"} 1\n"));
    return STATUS_OK;
}

static enum status followed_wait(struct work *work)
{
    bool is = false;
    enum status status = STATUS_OK;
    for (int waited = 0; status == STATUS_OK && !is; waited += LOOK_MS) {
        status = followed(work, &is);
        if (status == STATUS_OK && !is && waited >= FOLLOWED_MS_MAX) {
            status =
                error_set(&work->error, STATUS_UNAVAILABLE, "the server does not follow Redis");
            error_hint(&work->error, "its log says why: cache.unavailable");
        }
        if (status == STATUS_OK && !is) pause_ms(LOOK_MS);
    }
    return status;
}

static enum status work_open(struct work *work, const struct invocation *invocation)
{
    *work = (struct work){ .invocation = invocation };
    buf_init(&work->target, TARGET_SIZE_MAX);
    buf_init(&work->exact, ANSWER_SIZE_MAX);
    buf_init(&work->cached, ANSWER_SIZE_MAX);
    buf_init(&work->stale, STALE_SHOWN_MAX * (UUID_TEXT_LEN + 16));
    enum status status = serve_cache_open(invocation, 0, &work->cache, &work->error);
    const struct session_options options = { .folder = invocation->data, .read_only = true };
    if (status == STATUS_OK) status = session_open(&options, &work->session, &work->error);
    work->connected = status == STATUS_OK;
    return status == STATUS_OK ? followed_wait(work) : status;
}

static int work_close(struct work *work, enum status status, int code)
{
    if (status != STATUS_OK) code = report_error(work->invocation, &work->error);
    if (work->connected) session_close(&work->session);
    serve_cache_close(&work->cache);
    buf_free(&work->target);
    buf_free(&work->exact);
    buf_free(&work->cached);
    buf_free(&work->stale);
    return code;
}

/* ---- check ---- */

/* Whether two answers say the same but for "as_of", which differs in any case. */
static bool objects_same(const struct answer_object *a, const struct answer_object *b)
{
    if (a->count != b->count) return false;
    for (uint32_t i = 0; i < a->count; i++) {
        if (!str_equal(a->fields[i].path, b->fields[i].path)) return false;
        if (str_equal(a->fields[i].path, STR("as_of"))) continue;
        if (!str_equal(a->fields[i].text, b->fields[i].text)) return false;
    }
    return true;
}

static bool same(struct str a, struct str b)
{
    struct answer_object left;
    struct answer_object right;
    struct arena arena;
    if (arena_init(&arena, answer_arena_size(a) + answer_arena_size(b)) != STATUS_OK) return false;
    bool is = answer_read(a, &arena, &left) == STATUS_OK &&
              answer_read(b, &arena, &right) == STATUS_OK && objects_same(&left, &right);
    arena_done(&arena);
    return is;
}

static bool value_check(void *owner, enum cache_kind kind, struct uuid id)
{
    struct work *work = owner;
    bool good = false;
    for (int look = 0; look < LOOKS && !good && work->status == STATUS_OK; look++) {
        if (look > 0) pause_ms(LOOK_MS); /* it may have changed in between */
        work->status = value_get(work, kind, id, true, &work->cached);
        if (work->status == STATUS_OK)
            work->status = value_get(work, kind, id, false, &work->exact);
        good = work->status == STATUS_OK && same(buf_view(&work->cached), buf_view(&work->exact));
    }
    work->checked++;
    if (good || work->status != STATUS_OK) return work->status == STATUS_OK;
    char text[UUID_TEXT_LEN + 1];
    uuid_format(id, text);
    if (work->stale_count++ < STALE_SHOWN_MAX)
        buf_append_format(&work->stale, "stale %s %s\n", path_of(kind), text);
    return true;
}

static int check_told(struct work *work)
{
    BUF_SCOPE struct buf out;
    buf_init(&out, ANSWER_SIZE_MAX);
    if (!work->invocation->json) buf_append_str(&out, buf_view(&work->stale));
    const struct kafka_count counts[] = { { "checked", work->checked },
                                          { "stale", work->stale_count } };
    kafka_counts_write(work->invocation, counts, 2, &out);
    int code = report_text(work->invocation, buf_view(&out));
    return work->stale_count > 0 ? EXIT_CODE_REFUSED : code;
}

static int check_run(struct invocation *invocation)
{
    struct work work;
    enum status status = work_open(&work, invocation);
    if (status == STATUS_OK)
        status = redis_cache_list(work.cache.cache, value_check, &work, &work.error);
    if (status == STATUS_OK) status = work.status;
    return work_close(&work, status, status == STATUS_OK ? check_told(&work) : 0);
}

/* ---- rebuild ---- */

static bool account_fill(void *argument, const struct answer_object *item)
{
    struct work *work = argument;
    struct uuid id;
    if (uuid_parse(answer_text(item, "id"), &id) != STATUS_OK) return false;
    work->status = value_get(work, CACHE_ACCOUNT, id, true, &work->cached);
    work->filled++;
    return work->status == STATUS_OK;
}

/* A page of all accounts; *cursor is where to go on, "" when that was the last. */
static enum status page_fill(struct work *work, struct buf *cursor)
{
    const struct answer_list list = { "items", account_fill, work };
    struct answer_object page;
    struct arena arena;
    unsigned http = 0;
    buf_reset(&work->target);
    buf_append_str(&work->target, STR("/v1/accounts?limit=1000"));
    if (cursor->len > 0)
        buf_append_format(&work->target, "&cursor=%.*s", STR_ARG(buf_view(cursor)));
    enum status status = target_get(work, &work->exact, &http);
    if (status != STATUS_OK) return status;
    status = arena_init(&arena, answer_arena_size(buf_view(&work->exact)));
    if (status != STATUS_OK) return error_set(&work->error, status, "no memory");
    status = answer_read_list(buf_view(&work->exact), &list, &arena, &page);
    buf_reset(cursor);
    if (status == STATUS_OK) buf_append_str(cursor, answer_text(&page, "next"));
    arena_done(&arena);
    if (work->status != STATUS_OK) return work->status;
    if (status == STATUS_OK) return status;
    return error_set(&work->error, status, "the answer cannot be understood");
}

static int rebuild_run(struct invocation *invocation)
{
    struct work work;
    BUF_SCOPE struct buf cursor;
    buf_init(&cursor, TARGET_SIZE_MAX / 2);
    enum status status = work_open(&work, invocation);
    if (status == STATUS_OK) status = redis_cache_drop(work.cache.cache, &work.error);
    if (status == STATUS_OK) pause_ms(2 * LOOK_MS); /* its owner notices with the next round */
    if (status == STATUS_OK) status = followed_wait(&work);
    bool warm = invocation_has(invocation, "warm");
    while (status == STATUS_OK && warm) {
        status = page_fill(&work, &cursor);
        if (cursor.len == 0) break;
    }
    BUF_SCOPE struct buf out;
    buf_init(&out, 1024);
    const struct kafka_count counts[] = { { "read", work.filled } };
    kafka_counts_write(invocation, counts, 1, &out);
    int code = status == STATUS_OK ? report_text(invocation, buf_view(&out)) : 0;
    return work_close(&work, status, code);
}

#define CACHE_OPTIONS                                                                              \
    { "redis", "URL", "where the cache is: redis://HOST:PORT/DATABASE",                            \
      "redis://127.0.0.1:6379" },                                                                  \
        { "redis-user", "NAME", "of Redis; the default one without it", NULL },                    \
        { "redis-password", "FILE",                                                                \
          "its first line, for its owner alone (600); else TPWALLET_REDIS_PASSWORD", NULL },       \
    {                                                                                              \
        "redis-prefix", "NAME", "what the cache's keys begin with", "tpwallet"                     \
    }

static const struct option check_options[] = { CACHE_OPTIONS, { 0 } };

const struct command command_cache_check = {
    .name = "cache check",
    .summary = "compare every value in the cache with the ledger, and name those that are stale",
    .details = "Asks the server that runs on the folder for each value twice, from the cache and "
               "exactly. Exit code 1 when one is stale for longer than the relay may need.",
    .options = check_options,
    .examples = "cache check --redis redis://127.0.0.1:6379",
    .run = check_run,
};

static const struct option rebuild_options[] = {
    CACHE_OPTIONS,
    { "warm", NULL, "read every account, so that all are in it", NULL },
    { 0 },
};

const struct command command_cache_rebuild = {
    .name = "cache rebuild",
    .summary = "forget everything in the cache; it comes back from the ledger",
    .options = rebuild_options,
    .examples = "cache rebuild --redis redis://127.0.0.1:6379\ncache rebuild --warm",
    .run = rebuild_run,
};
