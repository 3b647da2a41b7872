/*
 * Goal: the cache in Redis does what port/cache.h says; what is damaged, or written there by somebody
 * else, is as if it were not there, and counted; a password is given; a Redis that hangs costs a few short waits, then nothing.
 * Method: the cases of all implementations with a real server; values, frontiers and epochs
 * written by another connection, whole but for their seals, and put back when their time is over; the server stopped (SIGSTOP).
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <hiredis/hiredis.h>
#include <xxhash.h>

#include "adapter/redis_cache.h"
#include "adapter/redis_value.h"
#include "adapter/system_clock.h"
#include "adapter/system_entropy.h"
#include "tests/redis/cache_conformance.h"
#include "tests/redis/redis_rig.h"

enum { PATIENT_MS = 60000 };

static struct redis_rig rig;

static redisContext *connection(void)
{
    redisContext *context = redisConnect("127.0.0.1", rig.port);
    assert_non_null(context);
    assert_int_equal(context->err, 0);
    redisReply *reply = redisCommand(context, "AUTH geheim");
    assert_non_null(reply);
    freeReplyObject(reply);
    return context;
}

static void command(const char *text)
{
    redisContext *context = connection();
    redisReply *reply = redisCommand(context, text);
    assert_non_null(reply);
    if (reply->type == REDIS_REPLY_ERROR) fail_msg("%s", reply->str);
    freeReplyObject(reply);
    redisFree(context);
}

static void empty(void *owner)
{
    (void)owner;
    command("FLUSHALL");
}

static struct secret password;
static struct secret seal_key = { .bytes = "of this process", .size = 15 };

/* The system's, and as much later as a test says. */
static struct clock clock_port;
static int64_t later_ns;

static struct wall_time later_wall(struct clock *clock)
{
    (void)clock;
    return (struct wall_time){ clock_wall(system_clock()).ns + later_ns };
}

static struct monotonic_time later_monotonic(struct clock *clock)
{
    (void)clock;
    return (struct monotonic_time){ clock_monotonic(system_clock()).ns + later_ns };
}

/* PATIENT_MS: only what hangs is late, however busy the machine is. 0: as in service. */
static struct cache *open_within(struct secret *key, uint32_t ms)
{
    clock_port = (struct clock){ later_wall, later_monotonic };
    struct redis_cache_options options = REDIS_CACHE_OPTIONS_DEFAULT;
    options.port = rig.port;
    options.password = &password;
    options.key = key;
    options.clock = &clock_port;
    options.entropy = system_entropy();
    options.database = 3;
    if (ms > 0) options.read_ms = options.owner_ms = ms;
    struct cache *cache = NULL;
    assert_int_equal(redis_cache_open(&options, &cache, NULL), STATUS_OK);
    return cache;
}

static struct cache *open_cache(void *owner)
{
    (void)owner;
    return open_within(&seal_key, PATIENT_MS);
}

static void redis_conforms(void **state)
{
    (void)state; /* no fixture */
    const struct cache_factory factory = { NULL, empty, open_cache };
    cache_conformance(&factory);
}

static struct cache_entry one_entry(void)
{
    struct cache_entry entry = { .kind = CACHE_ACCOUNT, .version = 5 };
    entry.value.account.account.id.value = (struct uuid){ 7, 7 };
    return entry;
}

static struct cache *with_one(struct cache_entry *entry)
{
    empty(NULL);
    struct cache *cache = open_cache(NULL);
    struct cache_frontier frontier;
    *entry = one_entry();
    assert_int_equal(cache->begin(cache, 1, 5, &frontier, NULL), STATUS_OK);
    assert_int_equal(cache->advance(cache, (struct cache_frontier){ 5, { 5 } }, NULL), STATUS_OK);
    assert_int_equal(cache->fill(cache, entry), STATUS_OK);
    return cache;
}

static void damaged_values_are_not_there(void **state)
{
    (void)state; /* no fixture */
    struct cache_entry entry;
    struct cache_entry found;
    struct cache_frontier frontier;
    struct cache *cache = with_one(&entry);
    struct uuid id = cache_entry_id(&entry);
    assert_int_equal(cache->get(cache, CACHE_ACCOUNT, id, &found, &frontier), STATUS_OK);
    redisContext *context = connection();
    redisReply *reply = redisCommand(context, "SELECT 3");
    freeReplyObject(reply);
    reply = redisCommand(context, "EVAL %s 0",
                         "for _,k in ipairs(redis.call('KEYS','*:a:*')) do local d=redis.call("
                         "'HGET',k,'d') redis.call('HSET',k,'d',string.sub(d,1,60)..'x'.."
                         "string.sub(d,62)) end return 1");
    assert_int_equal(reply->integer, 1);
    freeReplyObject(reply);
    redisFree(context);
    assert_int_equal(cache->get(cache, CACHE_ACCOUNT, id, &found, &frontier), STATUS_NOT_FOUND);
    cache->close(cache);
}

static void script(const char *text, const void *bytes, size_t size)
{
    redisContext *context = connection();
    redisReply *reply = redisCommand(context, "SELECT 3");
    freeReplyObject(reply);
    reply = redisCommand(context, "EVAL %s 0 %b", text, bytes, size);
    assert_non_null(reply);
    if (reply->type == REDIS_REPLY_ERROR) fail_msg("%s", reply->str);
    freeReplyObject(reply);
    redisFree(context);
}

static void expect_rejected(struct cache *cache, uint64_t count)
{
    struct cache_entry found;
    struct cache_frontier frontier;
    struct redis_cache_status status;
    struct cache_entry wanted = one_entry();
    assert_int_equal(cache->get(cache, CACHE_ACCOUNT, cache_entry_id(&wanted), &found, &frontier),
                     STATUS_NOT_FOUND);
    redis_cache_get_status(cache, &status);
    assert_int_equal(status.rejected, count);
}

#define EACH_VALUE "for _,k in ipairs(redis.call('KEYS','*:a:*')) do "

/* Richer, and with a check that fits: what somebody makes who knows all but the key. */
static void values_of_others_are_not_there(void **state)
{
    (void)state; /* no fixture */
    struct cache_entry entry;
    struct cache *cache = with_one(&entry);
    struct redis_value forged;
    struct hmac_key other;
    const struct secret guess = { .bytes = "of another one", .size = 14 };
    hmac_key_init(&other, &guess);
    const struct redis_seal seal = { &other, "tpwallet:0:", clock_monotonic(&clock_port), 300000 };
    entry.value.account.balance.credits_posted.minor = 1000000;
    redis_value_make(&seal, &entry, &forged);
    assert_int_equal(forged.check, XXH3_64bits(&forged.value.account, sizeof forged.value.account));
    script(EACH_VALUE "redis.call('HSET',k,'d',ARGV[1]) end return 1", &forged,
           redis_value_size(CACHE_ACCOUNT));
    expect_rejected(cache, 1);
    cache->close(cache);
}

/* A later time, or position, would make the value younger than it is. */
static void frontiers_of_others_do_not_count(void **state)
{
    (void)state; /* no fixture */
    struct cache_entry entry;
    struct cache *cache = with_one(&entry);
    script("return redis.call('HSET','tpwallet:0:meta','at','00000000006000000000')", "", 0);
    expect_rejected(cache, 1);
    cache->close(cache);
    cache = with_one(&entry);
    script("return redis.call('HSET','tpwallet:0:meta','pos','00000000000000000006')", "", 0);
    expect_rejected(cache, 1);
    cache->close(cache);
}

static void what_is_put_back_later_than_it_lives_is_not_there(void **state)
{
    (void)state; /* no fixture */
    struct cache_entry entry;
    struct cache *cache = with_one(&entry);
    script(EACH_VALUE "redis.call('PERSIST',k) end return 1", "", 0);
    later_ns = 301 * NS_PER_S;
    expect_rejected(cache, 1);
    later_ns = 0;
    cache->close(cache);
}

/* Whatever stands there as a frontier, an owner begins, and at a batch that it knows. */
static void a_frontier_that_is_none_is_everything_forgotten(void **state)
{
    (void)state; /* no fixture */
    static const char *const places[] = {
        "'pos','000000000000000000019999','epoch','0'",
        "'pos','00000000000000019999'",
        "'pos','99999999999999999999'",
        "'pos','-1'",
        "'pos','00000000000000000003'", /* a batch that there was: changes would be dealt with anew */
        "'at','-9223372036854775808'",
        "'gen',string.rep('x',500)",
        "'epoch','zzz'",
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct cache_entry entry;
        struct cache *cache = with_one(&entry);
        char text[128];
        int len = snprintf(text, sizeof text, "return redis.call('HSET','tpwallet:0:meta',%s)",
                           places[i]);
        assert_true(len > 0 && (size_t)len < sizeof text);
        script(text, "", 0);
        struct cache_frontier frontier;
        assert_int_equal(cache->begin(cache, 1, 7, &frontier, NULL), STATUS_OK);
        assert_int_equal(frontier.batch, 7);
        frontier.at.ns = 7;
        assert_int_equal(cache->advance(cache, frontier, NULL), STATUS_OK);
        expect_rejected(cache, 0); /* of another generation: nobody looks there */
        cache->close(cache);
    }
}

static void another_process_begins_anew(void **state)
{
    (void)state; /* no fixture */
    struct cache_entry entry;
    struct cache *before = with_one(&entry);
    before->close(before);
    struct secret key = { .bytes = "of the next one", .size = 15 };
    struct cache *cache = open_within(&key, PATIENT_MS);
    struct cache_frontier frontier;
    assert_int_equal(cache->begin(cache, 2, 9, &frontier, NULL), STATUS_OK);
    assert_int_equal(frontier.batch, 9);
    cache->close(cache);
}

static int64_t now_ms(void)
{
    return clock_monotonic(system_clock()).ns / NS_PER_MS;
}

static void a_hanging_server_costs_little(void **state)
{
    (void)state; /* no fixture */
    struct cache_entry entry;
    struct cache_entry found;
    struct cache_frontier frontier;
    struct cache *patient = with_one(&entry);
    patient->close(patient);
    struct cache *cache = open_within(&seal_key, 0);
    struct uuid id = cache_entry_id(&entry);
    assert_int_equal(kill(rig.pid, SIGSTOP), 0);
    int64_t began = now_ms();
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(cache->get(cache, CACHE_ACCOUNT, id, &found, &frontier),
                         STATUS_UNAVAILABLE);
    }
    assert_true(now_ms() - began < 20000); /* some 100 ms, but on a busy machine */
    struct redis_cache_status status;
    redis_cache_get_status(cache, &status);
    assert_true(status.skipped > 900);
    assert_int_equal(kill(rig.pid, SIGCONT), 0);
    began = now_ms();
    enum status got = STATUS_UNAVAILABLE;
    while (got != STATUS_OK && now_ms() - began < 60000)
        got = cache->get(cache, CACHE_ACCOUNT, id, &found, &frontier);
    assert_int_equal(got, STATUS_OK); /* the breaker lets it try again */
    cache->close(cache);
}

static bool count_visit(void *owner, enum cache_kind kind, struct uuid id)
{
    assert_int_equal(kind, CACHE_ACCOUNT);
    assert_int_equal(id.hi, 7);
    (*(int *)owner)++;
    return true;
}

static void it_can_be_listed_and_dropped(void **state)
{
    (void)state; /* no fixture */
    struct cache_entry entry;
    struct cache_entry found;
    struct cache_frontier frontier;
    struct cache *cache = with_one(&entry);
    int count = 0;
    assert_int_equal(redis_cache_list(cache, count_visit, &count, NULL), STATUS_OK);
    assert_int_equal(count, 1);
    assert_int_equal(redis_cache_drop(cache, NULL), STATUS_OK);
    assert_int_equal(cache->get(cache, CACHE_ACCOUNT, cache_entry_id(&entry), &found, &frontier),
                     STATUS_NOT_FOUND);
    cache->close(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(redis_conforms),
        cmocka_unit_test(damaged_values_are_not_there),
        cmocka_unit_test(values_of_others_are_not_there),
        cmocka_unit_test(frontiers_of_others_do_not_count),
        cmocka_unit_test(what_is_put_back_later_than_it_lives_is_not_there),
        cmocka_unit_test(a_frontier_that_is_none_is_everything_forgotten),
        cmocka_unit_test(another_process_begins_anew),
        cmocka_unit_test(it_can_be_listed_and_dropped),
        cmocka_unit_test(a_hanging_server_costs_little),
    };
    char text[] = "geheim";
    redis_rig_start(&rig, text);
    if (secret_take(text, sizeof text - 1, &password) != STATUS_OK) return EXIT_FAILURE;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    redis_rig_stop(&rig);
    return failed;
}
