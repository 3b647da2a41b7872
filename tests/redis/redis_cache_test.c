/*
 * Goal: the cache in Redis does what port/cache.h says; damaged values are as if they were not
 * there; a password is given; a Redis that hangs costs a few short waits, then nothing.
 * Method: the cases of all implementations with a real server; values changed by another
 * connection; the server stopped (SIGSTOP).
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <hiredis/hiredis.h>

#include "adapter/redis_cache.h"
#include "adapter/system_clock.h"
#include "adapter/system_entropy.h"
#include "tests/redis/cache_conformance.h"
#include "tests/redis/redis_rig.h"

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

static struct cache *open_cache(void *owner)
{
    (void)owner;
    struct redis_cache_options options = REDIS_CACHE_OPTIONS_DEFAULT;
    options.port = rig.port;
    options.password = &password;
    options.clock = system_clock();
    options.entropy = system_entropy();
    options.database = 3;
    struct cache *cache = NULL;
    assert_int_equal(redis_cache_open(&options, &cache, NULL), STATUS_OK);
    return cache;
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
    struct cache *cache = with_one(&entry);
    struct uuid id = cache_entry_id(&entry);
    assert_int_equal(kill(rig.pid, SIGSTOP), 0);
    int64_t began = now_ms();
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(cache->get(cache, CACHE_ACCOUNT, id, &found, &frontier),
                         STATUS_UNAVAILABLE);
    }
    assert_true(now_ms() - began < 2000); /* on a busy machine; some 100 ms else */
    struct redis_cache_status status;
    redis_cache_get_status(cache, &status);
    assert_true(status.skipped > 900);
    assert_int_equal(kill(rig.pid, SIGCONT), 0);
    began = now_ms();
    enum status got = STATUS_UNAVAILABLE;
    while (got != STATUS_OK && now_ms() - began < 20000)
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
