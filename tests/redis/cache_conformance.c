/*
 * Goal: a cache never gives an older value for a newer one, refuses what may have missed a change,
 * shuts out owners that were followed, and after any loss has less and nothing wrong.
 * Method: stories through the port alone, with several caches on one place.
 */
#include "tests/redis/cache_conformance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct cache_entry account_of(uint64_t id, uint64_t version)
{
    struct cache_entry entry = { .kind = CACHE_ACCOUNT, .version = version };
    entry.value.account.account.id.value = (struct uuid){ id, 1 };
    entry.value.account.entry_count = version * 10;
    return entry;
}

static struct cache_entry payment_of(uint64_t id, uint64_t version)
{
    struct cache_entry entry = { .kind = CACHE_PAYMENT, .version = version };
    entry.value.payment.id.value = (struct uuid){ id, 1 };
    entry.value.payment.version = version * 10;
    return entry;
}

static void expect(struct cache *cache, const struct cache_entry *wanted, uint64_t frontier)
{
    struct cache_entry entry;
    struct cache_frontier found;
    struct uuid id = cache_entry_id(wanted);
    assert_int_equal(cache->get(cache, wanted->kind, id, &entry, &found), STATUS_OK);
    assert_int_equal(entry.version, wanted->version);
    assert_int_equal(found.batch, frontier);
    if (wanted->kind == CACHE_ACCOUNT)
        assert_memory_equal(&entry.value.account, &wanted->value.account,
                            sizeof entry.value.account);
    if (wanted->kind == CACHE_PAYMENT)
        assert_memory_equal(&entry.value.payment, &wanted->value.payment,
                            sizeof entry.value.payment);
}

static void expect_none(struct cache *cache, const struct cache_entry *wanted)
{
    struct cache_entry entry;
    struct cache_frontier found;
    struct uuid id = cache_entry_id(wanted);
    assert_int_equal(cache->get(cache, wanted->kind, id, &entry, &found), STATUS_NOT_FOUND);
}

static void begin_at(struct cache *cache, uint64_t epoch, uint64_t head, uint64_t expected)
{
    struct cache_frontier frontier = { 99, { 99 } };
    assert_int_equal(cache->begin(cache, epoch, head, &frontier, NULL), STATUS_OK);
    assert_int_equal(frontier.batch, expected);
}

static void advance_to(struct cache *cache, uint64_t batch)
{
    const struct cache_frontier frontier = { batch, { (int64_t)batch * NS_PER_S } };
    assert_int_equal(cache->advance(cache, frontier, NULL), STATUS_OK);
}

static void values_are_replaced_by_newer_ones(const struct cache_factory *factory)
{
    factory->empty(factory->owner);
    struct cache *cache = factory->open(factory->owner);
    struct cache_entry old = account_of(1, 5);
    struct cache_entry new = account_of(1, 12345678901234567890ULL);
    struct cache_entry other = payment_of(1, 5);
    assert_int_equal(cache->fill(cache, &old), STATUS_CONFLICT); /* nobody owns it */
    begin_at(cache, 1, 5, 5);
    advance_to(cache, 5);
    expect_none(cache, &old);
    assert_int_equal(cache->fill(cache, &old), STATUS_OK);
    assert_int_equal(cache->fill(cache, &other), STATUS_OK);
    expect(cache, &old, 5);
    expect(cache, &other, 5);
    assert_int_equal(cache->fill(cache, &new), STATUS_OK);
    assert_int_equal(cache->fill(cache, &old), STATUS_CONFLICT);
    expect(cache, &new, new.version);
    cache->close(cache);
}

static void what_missed_a_change_is_refused(const struct cache_factory *factory)
{
    factory->empty(factory->owner);
    struct cache *cache = factory->open(factory->owner);
    begin_at(cache, 1, 5, 5);
    advance_to(cache, 5);
    /* Somebody reads as of 5; then 6 changes it, and is dealt with; then the reader comes. */
    struct cache_entry late = account_of(1, 5);
    struct cache_entry changed = account_of(1, 6);
    assert_int_equal(cache->raise_floor(cache, 6, NULL), STATUS_OK);
    assert_int_equal(cache->fill(cache, &late), STATUS_CONFLICT);
    assert_int_equal(cache->update(cache, &changed, 1, NULL), STATUS_OK);
    expect_none(cache, &changed); /* nobody asked for it */
    advance_to(cache, 6);
    assert_int_equal(cache->fill(cache, &late), STATUS_CONFLICT);
    assert_int_equal(cache->fill(cache, &changed), STATUS_OK);
    expect(cache, &changed, 6);
    cache->close(cache);
}

static void updates_reach_what_is_there(const struct cache_factory *factory)
{
    factory->empty(factory->owner);
    struct cache *cache = factory->open(factory->owner);
    begin_at(cache, 1, 5, 5);
    advance_to(cache, 5);
    struct cache_entry entries[100];
    for (uint64_t i = 0; i < 100; i++) {
        entries[i] = i % 2 == 0 ? account_of(i, 5) : payment_of(i, 5);
        if (i % 3 == 0) assert_int_equal(cache->fill(cache, &entries[i]), STATUS_OK);
        entries[i] = i % 2 == 0 ? account_of(i, 7) : payment_of(i, 7);
    }
    assert_int_equal(cache->raise_floor(cache, 7, NULL), STATUS_OK);
    assert_int_equal(cache->update(cache, entries, 100, NULL), STATUS_OK);
    advance_to(cache, 7);
    for (uint64_t i = 0; i < 100; i++) {
        if (i % 3 == 0) expect(cache, &entries[i], 7);
        if (i % 3 != 0) expect_none(cache, &entries[i]);
    }
    assert_int_equal(cache->forget(cache, (struct cache_frontier){ 9, { 9 } }, NULL), STATUS_OK);
    expect_none(cache, &entries[0]);
    assert_int_equal(cache->fill(cache, &entries[0]), STATUS_CONFLICT); /* below 9 */
    advance_to(cache, 10);
    cache->close(cache);
    cache = factory->open(factory->owner);
    begin_at(cache, 1, 12, 10); /* after a restart: from where it stood */
    begin_at(cache, 1, 8, 8);   /* the journal was taken back */
    cache->close(cache);
}

static void owners_that_were_followed_are_shut_out(const struct cache_factory *factory)
{
    factory->empty(factory->owner);
    struct cache *old = factory->open(factory->owner);
    struct cache *new = factory->open(factory->owner);
    begin_at(old, 1, 5, 5);
    advance_to(old, 5);
    struct cache_entry entry = account_of(1, 5);
    assert_int_equal(old->fill(old, &entry), STATUS_OK);
    begin_at(new, 2, 6, 5);
    struct cache_entry later = account_of(1, 6);
    struct cache_frontier frontier = { 6, { 6 } };
    assert_int_equal(old->raise_floor(old, 6, NULL), STATUS_CONFLICT);
    assert_int_equal(old->update(old, &later, 1, NULL), STATUS_CONFLICT);
    assert_int_equal(old->advance(old, frontier, NULL), STATUS_CONFLICT);
    assert_int_equal(old->forget(old, frontier, NULL), STATUS_CONFLICT);
    assert_int_equal(old->begin(old, 1, 6, &frontier, NULL), STATUS_FENCED);
    expect(new, &entry, 5);
    advance_to(new, 6);
    old->close(old);
    new->close(new);
}

static void a_loss_is_less_and_nothing_wrong(const struct cache_factory *factory)
{
    factory->empty(factory->owner);
    struct cache *cache = factory->open(factory->owner);
    begin_at(cache, 1, 5, 5);
    advance_to(cache, 5);
    struct cache_entry entry = account_of(1, 5);
    assert_int_equal(cache->fill(cache, &entry), STATUS_OK);
    factory->empty(factory->owner);
    expect_none(cache, &entry);
    assert_int_equal(cache->fill(cache, &entry), STATUS_CONFLICT);
    const struct cache_frontier frontier = { 6, { 6 } };
    assert_int_equal(cache->advance(cache, frontier, NULL), STATUS_CONFLICT);
    begin_at(cache, 1, 6, 6);
    expect_none(cache, &entry);
    assert_int_equal(cache->fill(cache, &entry), STATUS_CONFLICT); /* it may have missed 6 */
    cache->close(cache);
}

void cache_conformance(const struct cache_factory *factory)
{
    values_are_replaced_by_newer_ones(factory);
    what_missed_a_change_is_refused(factory);
    updates_reach_what_is_there(factory);
    owners_that_were_followed_are_shut_out(factory);
    a_loss_is_less_and_nothing_wrong(factory);
}
