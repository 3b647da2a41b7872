/*
 * Redis and Memcached as evidence: what keys hold at this instant, which is what anybody who asks
 * is shown, and what the server says of evictions and expiry.
 */
#include <stdio.h>
#include <string.h>

#include "adapter/memcached_look.h"
#include "adapter/redis_cache.h"
#include "adapter/redis_look.h"
#include "adapter/system_clock.h"
#include "base/check.h"
#include "cmd/doctor_collectors.h"
#include "cmd/file_bytes.h"
#include "cmd/redis_options.h"
#include "doctor/value_map.h"
#include "model/asset.h"

enum {
    KEYS_MAX = 1000000,
    KEYS_SIZE_MAX = 256 << 20, /* of Memcached's keys, which are held while they are asked for */
    KEY_SIZE_MAX = 4096,       /* of ours: their stem is far shorter */
    VERSION_SIZE = 64,
    NAME_SIZE = 64,
    GENERATION_SIZE = 64,
};

/* Paths of what caches usually hold; those of a file count before. */
static const char usual[] = "account = value.account value.account_id\n"
                            "amount = value.amount value.balance\n"
                            "ccy = value.ccy value.currency value.asset\n"
                            "ver = value.ver value.version\n"
                            "dirty = value.dirty\n"
                            "state = value.state\n";

struct cache_case {
    struct doctor_bundle *bundle;
    const char *name;    /* "redis", "memcached" */
    const char *figures; /* names of its own that are told, by blanks */
    struct str pattern;
    struct value_map map;
    struct value_source value;
    struct arena arena;
    struct doctor_source source;
    struct doctor_file file;
    uint64_t seen;
    bool all; /* every key of the pattern was looked at */
    char version[VERSION_SIZE];
    /* of Redis: the generation of the newest stem of our own cache, asked for beside the scan */
    struct redis_look *meta;
    char stem[KEY_SIZE_MAX];
    char generation[GENERATION_SIZE];
    /* of Memcached */
    struct buf keys; /* a line each */
};

static struct wall_time now(void)
{
    struct clock *clock = system_clock();
    return clock->wall(clock);
}

static enum status maps_read(struct cache_case *all, const char *path)
{
    struct error *error = &all->bundle->error;
    BUF_SCOPE struct buf text;
    buf_init(&text, VALUE_MAP_SIZE_MAX);
    enum status status = path == NULL ? STATUS_OK : file_bytes_read(path, &text, error);
    if (status == STATUS_OK) status = value_map_parse(&all->map, "cache", buf_view(&text), error);
    return status == STATUS_OK ? value_map_parse(&all->map, "cache", STR(usual), error) : status;
}

/* ---- what the server says of itself ---- */

static void figure_write(struct cache_case *all, struct str name, struct str value)
{
    char full[NAME_SIZE];
    int len = snprintf(full, sizeof full, "%s.%.*s", all->name, STR_ARG(name));
    if (len < 0 || (size_t)len >= sizeof full || value.len == 0) return;
    struct evidence_line line;
    evidence_begin(&line, &all->file.line, "config", &all->file.masked);
    evidence_time(&line, "ts", now());
    evidence_text(&line, "name", str_from(full));
    evidence_text(&line, "value", value);
    evidence_end(&line);
    all->file.rows++;
}

static void figure_take(void *owner, struct str name, struct str value)
{
    struct cache_case *all = owner;
    bool version = str_equal(name, STR("redis_version")) || str_equal(name, STR("version"));
    if (version && value.len < sizeof all->version) {
        memcpy(all->version, value.data, value.len);
        all->source.version = all->version;
    }
    if (evidence_has_word(all->figures, ' ', name)) figure_write(all, name, value);
}

/* ---- values ---- */

/* What anybody who asks is shown now. */
static struct evidence_line read_begin(struct cache_case *all)
{
    struct evidence_line line;
    evidence_begin(&line, &all->file.line, "read", &all->file.masked);
    evidence_time(&line, "ts", now());
    evidence_word(&line, "served_by", "cache");
    evidence_word(&line, "client", "tpwallet-doctor");
    return line;
}

/* -1: none. */
static int64_t ttl_ns_of(int64_t ttl, int64_t unit_ns)
{
    if (ttl < 0) return -1;
    return ttl > INT64_MAX / unit_ns ? INT64_MAX : ttl * unit_ns;
}

static struct evidence_line entry_begin(struct cache_case *all, int64_t ttl_ns)
{
    struct evidence_line line;
    evidence_begin(&line, &all->file.line, "cache", &all->file.masked);
    evidence_time(&line, "ts", now());
    evidence_word(&line, "op", "get");
    evidence_text(&line, "key", all->value.key);
    if (ttl_ns >= 0) evidence_int(&line, "ttl_ns", ttl_ns);
    return line;
}

static enum status mapped_write(struct cache_case *all, int64_t ttl_ns)
{
    const struct value_map *map = &all->map;
    struct evidence_line line = entry_begin(all, ttl_ns);
    value_map_write(map, "cache", "ts op key ttl_ns", &all->value, &line);
    evidence_end(&line);
    all->file.rows++;
    bool shows = value_map_find(map, "account", &all->value).len > 0 &&
                 (value_map_find(map, "amount", &all->value).len > 0 ||
                  value_map_find(map, "ver", &all->value).len > 0);
    if (shows) {
        line = read_begin(all);
        value_map_write(map, "read", "ts served_by client", &all->value, &line);
        evidence_end(&line);
        all->file.rows++;
    }
    return doctor_file_rows(&all->file, 0);
}

/* A text that is JSON has members. */
static void text_set(struct cache_case *all, struct str text)
{
    struct error error; /* that it is no JSON is no error */
    arena_reset(&all->arena);
    all->value.text = text;
    all->value.root = NULL;
    if (text.len == 0 || text.len > REDIS_LOOK_VALUE_SIZE_MAX) return;
    if (json_tree_parse(text, &all->arena, &all->value.root, &error) != STATUS_OK)
        all->value.root = NULL;
}

/* ---- our own cache ---- */

static bool is_current(struct cache_case *all, const struct redis_cache_key *key)
{
    static const struct str tail = { ":meta", 5 };
    if (key->stem.len >= sizeof all->stem) return false;
    if (!str_equal(key->stem, str_from(all->stem))) {
        char meta[KEY_SIZE_MAX + 8]; /* any bytes, as the stem */
        memcpy(meta, key->stem.data, key->stem.len);
        memcpy(meta + key->stem.len, tail.data, tail.len);
        struct str found =
            redis_look_field(all->meta, (struct str){ meta, key->stem.len + tail.len }, "gen");
        if (found.len >= sizeof all->generation) found.len = 0;
        memcpy(all->generation, found.data, found.len);
        all->generation[found.len] = '\0';
        memcpy(all->stem, key->stem.data, key->stem.len);
        all->stem[key->stem.len] = '\0';
    }
    return str_equal(key->generation, str_from(all->generation));
}

static void account_fields(const struct account_state *account, struct evidence_line *line)
{
    const struct asset *asset = asset_iso_by_id(account->account.asset);
    const struct balance *balance = &account->balance;
    bool fits = balance->credits_posted.minor <= (uint128)SIGNED_AMOUNT_MAX &&
                balance->debits_posted.minor <= (uint128)SIGNED_AMOUNT_MAX;
    evidence_uuid(line, "account", account->account.id.value);
    if (asset == NULL || !fits) return;
    const struct signed_amount net = {
        (int128)balance->credits_posted.minor - (int128)balance->debits_posted.minor,
    };
    evidence_amount(line, "amount", net);
    evidence_text(line, "ccy", str_from(asset->code));
}

static enum status ours_write(struct cache_case *all, const struct redis_cache_key *key,
                              const struct redis_look_value *value)
{
    struct cache_entry entry;
    struct str stored = STR("");
    for (uint32_t i = 0; i < value->field_count; i++)
        if (str_equal(value->fields[i].name, STR("d"))) stored = value->fields[i].value;
    if (!redis_cache_value(key, stored, &entry)) {
        all->file.rejected++;
        return STATUS_OK;
    }
    struct evidence_line line = entry_begin(all, ttl_ns_of(value->ttl_ms, NS_PER_MS));
    if (entry.kind == CACHE_ACCOUNT) account_fields(&entry.value.account, &line);
    evidence_end(&line);
    if (entry.kind == CACHE_ACCOUNT) {
        line = read_begin(all);
        account_fields(&entry.value.account, &line);
        evidence_int(&line, "lsn", (int64_t)entry.version);
        evidence_end(&line);
    }
    return doctor_file_rows(&all->file, entry.kind == CACHE_ACCOUNT ? 2 : 1);
}

/* ---- Redis ---- */

/* A hash is like an object whose members are texts. */
static bool fields_set(struct cache_case *all, const struct redis_look_value *value)
{
    arena_reset(&all->arena);
    struct json_node *nodes = arena_take_array(&all->arena, value->field_count + 1, sizeof *nodes);
    if (nodes == NULL) return false;
    memset(nodes, 0, (value->field_count + 1) * sizeof *nodes);
    nodes[0].type = JSON_OBJECT;
    nodes[0].count = value->field_count;
    nodes[0].first = value->field_count == 0 ? NULL : &nodes[1];
    for (uint32_t i = 0; i < value->field_count; i++) {
        struct json_node *node = &nodes[i + 1];
        node->type = JSON_STRING;
        node->key = value->fields[i].name;
        node->text = value->fields[i].value;
        node->next = i + 1 < value->field_count ? node + 1 : NULL;
    }
    all->value.root = nodes;
    all->value.text = STR("");
    return true;
}

static enum status redis_value_take(void *owner, const struct redis_look_value *value)
{
    struct cache_case *all = owner;
    struct redis_cache_key key;
    all->seen++;
    if (!value_key_match(&all->value, all->pattern, value->key)) all->value.key = value->key;
    if (redis_cache_key(value->key, &key) && value->type == REDIS_LOOK_HASH)
        return is_current(all, &key) ? ours_write(all, &key, value) : STATUS_OK;
    if (value->type != REDIS_LOOK_HASH || !fields_set(all, value)) text_set(all, value->text);
    return mapped_write(all, ttl_ns_of(value->ttl_ms, NS_PER_MS));
}

static bool has_enough(void *owner)
{
    const struct cache_case *all = owner;
    return all->seen >= KEYS_MAX;
}

static enum status redis_read(struct cache_case *all, struct redis_look *look)
{
    struct error *error = &all->bundle->error;
    const struct redis_look_visitor visitor = { redis_value_take, has_enough, all };
    enum status status = redis_look_info(look, figure_take, all, error);
    figure_write(all, STR("notify_keyspace_events"),
                 redis_look_setting(look, "notify-keyspace-events"));
    if (status == STATUS_OK)
        status = redis_look_values(look, all->pattern.data, &visitor, &all->all, error);
    return status;
}

static enum status redis_open(struct cache_case *all, const struct invocation *invocation,
                              struct redis_look **out_look)
{
    struct redis_place place = { 0 };
    struct secret password = { 0 };
    struct error *error = &all->bundle->error;
    enum status status = redis_options_read(invocation, &place, &password, error);
    const struct redis_server server = {
        .host = place.host,
        .port = place.port,
        .database = place.database,
        .user = place.user,
        .password = password.size == 0 ? NULL : &password,
    };
    if (status == STATUS_OK) status = redis_look_open(&server, out_look, error);
    if (status == STATUS_OK) status = redis_look_open(&server, &all->meta, error);
    secret_done(&password);
    return status;
}

static enum status redis_collect(struct cache_case *all, const struct invocation *invocation)
{
    struct redis_look *look = NULL;
    enum status status = redis_open(all, invocation, &look);
    if (status == STATUS_OK) status = redis_read(all, look);
    redis_look_close(look);
    redis_look_close(all->meta);
    return status;
}

/* ---- Memcached ---- */

static enum status memcached_value_take(struct cache_case *all, struct memcached_look *look,
                                        struct str key)
{
    struct memcached_value found;
    char cas[VERSION_SIZE];
    enum status status = memcached_look_get(look, key, &found, &all->bundle->error);
    all->seen++;
    if (status == STATUS_NOT_FOUND) return STATUS_OK; /* a key that nobody has is no value */
    if (status != STATUS_OK) return status;
    int len = snprintf(cas, sizeof cas, "%llu", (unsigned long long)found.cas);
    CHECK(len > 0);
    if (!value_key_match(&all->value, all->pattern, key)) all->value.key = key;
    all->value.header_count = 1;
    all->value.headers[0] = (struct value_header){ STR("cas"), str_from(cas) };
    text_set(all, found.text);
    return mapped_write(all, ttl_ns_of(found.ttl_s, NS_PER_S));
}

static bool key_keep(void *owner, struct str key)
{
    struct cache_case *all = owner;
    struct value_source source;
    if (!value_key_match(&source, all->pattern, key)) return true;
    buf_append_str(&all->keys, key);
    buf_append_byte(&all->keys, '\n');
    return !all->keys.overflow;
}

static enum status memcached_read(struct cache_case *all, struct memcached_look *look,
                                  const char *file)
{
    struct error *error = &all->bundle->error;
    enum status status = memcached_look_stats(look, figure_take, all, error);
    if (status == STATUS_OK)
        status = file == NULL ? memcached_look_keys(look, key_keep, all, error)
                              : file_bytes_read(file, &all->keys, error);
    struct str rest = buf_view(&all->keys);
    struct str key;
    while (status == STATUS_OK && !has_enough(all) && str_take_line(&rest, &key))
        if (key.len > 0) status = memcached_value_take(all, look, key);
    if (status == STATUS_OK && rest.len > 0 && !has_enough(all))
        return error_set(error, STATUS_INVALID, "the last key of --keys-file has no line end");
    all->all = file == NULL && rest.len == 0 && !all->keys.overflow;
    return status;
}

static enum status memcached_collect(struct cache_case *all, const struct invocation *invocation)
{
    struct memcached_look *look = NULL;
    struct error *error = &all->bundle->error;
    buf_init(&all->keys, KEYS_SIZE_MAX);
    enum status status =
        memcached_look_open(invocation_text(invocation, "memcached"), &look, error);
    if (status == STATUS_OK)
        status = memcached_read(all, look, invocation_text(invocation, "keys-file"));
    memcached_look_close(look);
    buf_free(&all->keys);
    return status;
}

/* ---- both ---- */

struct cache_reader {
    const char *name;
    const char *pattern; /* when none is given */
    const char *figures;
    enum status (*collect)(struct cache_case *all, const struct invocation *invocation);
};

static enum status case_collect(struct cache_case *all, const struct invocation *invocation,
                                const struct cache_reader *reader)
{
    static const char *const kinds[] = { "cache", "read", "config", NULL };
    enum status status = maps_read(all, invocation_text(invocation, "cache-map"));
    if (status != STATUS_OK) return status;
    all->source = doctor_source_of(all->bundle, reader->name, reader->name, kinds);
    all->source.clock = "collector";
    all->source.from = now(); /* it is what is, not what was */
    status = doctor_file_begin(all->bundle, &all->source, &all->file);
    if (status == STATUS_OK) status = reader->collect(all, invocation);
    all->source.to = now();
    if (!all->all) all->source.loss = "unknown";
    return doctor_file_end(&all->file, status);
}

static enum status cache_collect(struct doctor_bundle *bundle, const struct invocation *invocation,
                                 const struct cache_reader *reader)
{
    const char *pattern = invocation_text(invocation, "keys");
    if (pattern == NULL) pattern = reader->pattern;
    BUF_SCOPE struct buf memory;
    buf_init(&memory, sizeof(struct cache_case));
    struct cache_case *all = buf_extend(&memory, sizeof *all);
    if (all == NULL) return error_set(&bundle->error, STATUS_LIMIT, "no memory");
    memset(all, 0, sizeof *all);
    all->bundle = bundle;
    all->name = reader->name;
    all->figures = reader->figures;
    all->pattern = str_from(pattern);
    enum status status = arena_init(&all->arena, 26 * (size_t)REDIS_LOOK_VALUE_SIZE_MAX);
    if (status == STATUS_OK) status = case_collect(all, invocation, reader);
    arena_done(&all->arena);
    return status;
}

enum status doctor_collect_redis(struct doctor_bundle *bundle, const struct invocation *invocation)
{
    static const struct cache_reader reader = {
        .name = "redis",
        .pattern = "tpwallet:*",
        .figures = "role connected_slaves master_link_status used_memory maxmemory "
                   "maxmemory_policy evicted_keys expired_keys keyspace_hits keyspace_misses "
                   "tracking_clients pubsub_channels pubsub_patterns",
        .collect = redis_collect,
    };
    return cache_collect(bundle, invocation, &reader);
}

enum status doctor_collect_memcached(struct doctor_bundle *bundle,
                                     const struct invocation *invocation)
{
    static const struct cache_reader reader = {
        .name = "memcached",
        .pattern = "*",
        .figures = "curr_items bytes limit_maxbytes evictions evicted_unfetched expired_unfetched "
                   "get_hits get_misses",
        .collect = memcached_collect,
    };
    return cache_collect(bundle, invocation, &reader);
}
