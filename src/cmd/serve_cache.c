#include "cmd/serve_cache.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "adapter/redis_cache.h"
#include "adapter/system_clock.h"
#include "adapter/system_entropy.h"
#include "base/check.h"
#include "base/metric_text.h"
#include "wallet/cache_relay.h"

enum { HOST_SIZE = 256, PORT_DEFAULT = 6379, PORT_MAX = 65535, DATABASE_MAX = 1000 };

/* ---- Options ---- */

struct place {
    char host[HOST_SIZE];
    uint16_t port;
    uint32_t database;
};

static bool number_take(const char *text, uint64_t max, uint64_t *out_number)
{
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' || number > max) return false;
    *out_number = number;
    return true;
}

/* redis://HOST[:PORT][/DATABASE]; cuts the copy of what stands behind the scheme. */
static bool place_parse(char *text, struct place *out_place)
{
    uint64_t port = PORT_DEFAULT;
    uint64_t database = 0;
    char *slash = strchr(text, '/');
    if (slash != NULL) *slash = '\0';
    if (slash != NULL && slash[1] != '\0' && !number_take(slash + 1, DATABASE_MAX, &database))
        return false;
    char *colon = strrchr(text, ':');
    if (colon != NULL) *colon = '\0';
    if (colon != NULL && (!number_take(colon + 1, PORT_MAX, &port) || port == 0)) return false;
    size_t len = strlen(text);
    if (len == 0 || len >= HOST_SIZE) return false;
    memcpy(out_place->host, text, len + 1);
    out_place->port = (uint16_t)port;
    out_place->database = (uint32_t)database;
    return true;
}

static enum status url_read(const char *url, struct place *out_place, struct error *out_error)
{
    static const char scheme[] = "redis://";
    char copy[HOST_SIZE + 32];
    if (strchr(url, '@') != NULL) {
        enum status status =
            error_set(out_error, STATUS_DENIED, "--redis: a password does not belong into the URL");
        error_hint(out_error, "--redis-password FILE, or TPWALLET_REDIS_PASSWORD");
        return status;
    }
    size_t len = strlen(url);
    bool fits =
        strncmp(url, scheme, sizeof scheme - 1) == 0 && len - (sizeof scheme - 1) < sizeof copy;
    if (fits) memcpy(copy, url + sizeof scheme - 1, len - (sizeof scheme - 1) + 1);
    if (fits && place_parse(copy, out_place)) return STATUS_OK;
    return error_set(out_error, STATUS_INVALID, "--redis: it is not redis://HOST:PORT/DATABASE");
}

static enum status password_file_read(const char *path, struct secret *out_password,
                                      struct error *out_error)
{
    struct stat about;
    FILE *file = fopen(path, "re");
    if (file == NULL || fstat(fileno(file), &about) != 0) {
        enum status status =
            error_set(out_error, STATUS_NOT_FOUND, "cannot read '%s': %s", path, strerror(errno));
        if (file != NULL) (void)fclose(file); /* only read */
        return status;
    }
    char line[SECRET_SIZE_MAX + 2] = "";
    bool read = fgets(line, sizeof line, file) != NULL;
    (void)fclose(file); /* only read */
    size_t len = strcspn(line, "\r\n");
    enum status status = STATUS_OK;
    if ((about.st_mode & 077) != 0) {
        status = error_set(out_error, STATUS_DENIED, "others than its owner may read '%s'", path);
        error_hint(out_error, "chmod 600 %s", path);
    } else if (!read || len == 0 || secret_take(line, len, out_password) != STATUS_OK) {
        status = error_set(out_error, STATUS_INVALID, "there is no password in '%s'", path);
    }
    secret_wipe(line, sizeof line);
    return status;
}

/* Empty: there is none. */
static enum status password_read(const struct invocation *invocation, struct secret *out_password,
                                 struct error *out_error)
{
    const char *path = invocation_text(invocation, "redis-password");
    if (path != NULL) return password_file_read(path, out_password, out_error);
    char *given = getenv("TPWALLET_REDIS_PASSWORD");
    if (given == NULL || *given == '\0') return STATUS_OK;
    /* It is wiped there, too: children and their watchers need not see it. */
    if (secret_take(given, strlen(given), out_password) == STATUS_OK) return STATUS_OK;
    return error_set(out_error, STATUS_INVALID, "TPWALLET_REDIS_PASSWORD is too long");
}

enum status serve_cache_open(const struct invocation *invocation, struct serve_cache *out_cache,
                             struct error *out_error)
{
    *out_cache = (struct serve_cache){ 0 };
    const char *url = invocation_text(invocation, "redis");
    if (url == NULL) return STATUS_OK;
    struct place place = { 0 };
    enum status status = url_read(url, &place, out_error);
    if (status == STATUS_OK) status = password_read(invocation, &out_cache->password, out_error);
    if (status != STATUS_OK) return status;
    struct redis_cache_options options = REDIS_CACHE_OPTIONS_DEFAULT;
    options.host = place.host;
    options.port = place.port;
    options.database = place.database;
    options.user = invocation_text(invocation, "redis-user");
    options.password = out_cache->password.size == 0 ? NULL : &out_cache->password;
    options.prefix = invocation_text(invocation, "redis-prefix");
    options.clock = system_clock();
    options.entropy = system_entropy();
    return redis_cache_open(&options, &out_cache->cache, out_error);
}

void serve_cache_close(struct serve_cache *cache)
{
    if (cache->cache != NULL) cache->cache->close(cache->cache);
    cache->cache = NULL;
    secret_done(&cache->password);
}

/* ---- Running ---- */

static uint64_t head_batch(void *owner)
{
    struct serve_cache *cache = owner;
    struct lane_status status;
    lane_get_status(cache->lane, &status);
    return status.head.sequence;
}

static enum status accounts_read(void *owner, const struct uuid *ids, uint32_t count,
                                 struct account_state *out_states, uint64_t *out_batch)
{
    struct serve_cache *cache = owner;
    struct read read = {
        .kind = READ_ACCOUNTS, .count = count, .ids = ids, .accounts = out_states
    };
    struct request request = { .kind = REQUEST_READ,
                               .principal = PRINCIPAL_SYSTEM,
                               .root = lane_new_id(cache->lane),
                               .read = &read };
    enum status status = lane_run(cache->lane, &request);
    if (status == STATUS_OK) *out_batch = read.as_of_batch;
    return status;
}

enum status serve_cache_start(struct serve_cache *cache, struct lane *lane,
                              const struct lane_ports *ports, struct error *out_error)
{
    if (cache->cache == NULL) return STATUS_OK;
    cache->lane = lane;
    struct lane_status lane_status;
    lane_get_status(lane, &lane_status);
    const struct cache_relay_ports relay_ports = {
        .sync = ports->sync,
        .clock = ports->clock,
        .log = ports->log,
        .store = ports->store,
        .cache = cache->cache,
        .source = { head_batch, accounts_read, cache },
    };
    struct cache_relay_options options = CACHE_RELAY_OPTIONS_DEFAULT;
    options.epoch = lane_status.head.epoch;
    return cache_relay_open(&relay_ports, &options, &cache->relay, out_error);
}

void serve_cache_stop(struct serve_cache *cache)
{
    cache_relay_close(cache->relay);
    cache->relay = NULL;
}

static void value_write(struct buf *out, const char *name, const char *type, const char *help,
                        uint64_t value)
{
    metric_head_write(out, name, type, help);
    buf_append_format(out, "%s %llu\n", name, (unsigned long long)value);
}

void serve_cache_metrics(struct serve_cache *cache, struct buf *out_page)
{
    if (cache->cache == NULL || cache->relay == NULL) return;
    struct redis_cache_status reads;
    struct cache_relay_status relay;
    redis_cache_get_status(cache->cache, &reads);
    cache_relay_get_status(cache->relay, &relay);
    uint64_t head = head_batch(cache);
    value_write(out_page, "tpwallet_cache_followed", "gauge",
                "1 while the cache is kept behind the journal", relay.begun);
    value_write(out_page, "tpwallet_cache_lag_batches", "gauge",
                "Durable batches that the cache does not know of",
                head > relay.batch ? head - relay.batch : 0);
    value_write(out_page, "tpwallet_cache_breaker_open", "gauge",
                "1 while the cache is not asked, since it did not answer", reads.open);
    value_write(out_page, "tpwallet_cache_hits_total", "counter", "Reads the cache had",
                reads.hits);
    value_write(out_page, "tpwallet_cache_misses_total", "counter", "Reads the cache had not",
                reads.misses);
    value_write(out_page, "tpwallet_cache_failures_total", "counter",
                "Calls that the cache did not answer", reads.failures);
    value_write(out_page, "tpwallet_cache_updates_total", "counter",
                "Values told to the cache as changed", relay.updates);
    value_write(out_page, "tpwallet_cache_forgotten_total", "counter",
                "How often the whole cache was begun anew", relay.forgotten);
}
