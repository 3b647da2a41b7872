/*
 * Goal: a relay store gives back each endpoint's state and letters, in order and apart from the
 * others', also after a reopen.
 * Method: one story through the port alone, looked at in two lives.
 */
#include "tests/port/relay_store_conformance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct uuid FIRST = { 1, 2 };
static const struct uuid SECOND = { 2, 1 };

static struct relay_state state_of(struct uuid endpoint, uint64_t number)
{
    return (struct relay_state){ .endpoint = endpoint,
                                 .cursor = { number, (uint32_t)number + 1 },
                                 .sequence = number,
                                 .passed = number + 2,
                                 .next_at = { (int64_t)number + 3 },
                                 .failing_at = { (int64_t)number + 4 },
                                 .attempts = (uint32_t)number + 5,
                                 .http_status = 503,
                                 .disabled = true };
}

static struct dead_letter letter_of(struct uuid endpoint, uint64_t sequence)
{
    return (struct dead_letter){ .endpoint = endpoint,
                                 .sequence = sequence,
                                 .position = { sequence, 3 },
                                 .at = { 9 },
                                 .attempts = 16,
                                 .http_status = 500 };
}

static void expect_state(struct relay_store *store, struct uuid endpoint, uint64_t number)
{
    struct relay_state state;
    assert_int_equal(store->load(store, endpoint, &state, NULL), STATUS_OK);
    assert_int_equal(state.cursor.batch, number);
    assert_int_equal(state.cursor.index, number + 1);
    assert_int_equal(state.sequence, number);
    assert_int_equal(state.passed, number + 2);
    assert_int_equal(state.next_at.ns, number + 3);
    assert_int_equal(state.failing_at.ns, number + 4);
    assert_int_equal(state.attempts, number + 5);
    assert_int_equal(state.http_status, 503);
    assert_true(state.disabled);
}

static void expect_letters(struct relay_store *store, uint64_t above, uint32_t limit,
                           const char *sequences)
{
    struct dead_letter letters[8];
    uint32_t count = 99;
    assert_true(limit <= 8);
    assert_int_equal(store->letters(store, FIRST, above, letters, limit, &count), STATUS_OK);
    assert_int_equal(count, strlen(sequences));
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(letters[i].sequence, sequences[i] - '0');
        assert_int_equal(letters[i].position.batch, letters[i].sequence);
        assert_true(uuid_equal(letters[i].endpoint, FIRST));
    }
}

static void put(struct relay_store *store, struct uuid endpoint, uint64_t number, uint64_t letter)
{
    struct relay_state state = state_of(endpoint, number);
    struct dead_letter dead = letter_of(endpoint, letter);
    assert_int_equal(store->save(store, &state, letter == 0 ? NULL : &dead, NULL), STATUS_OK);
}

void relay_store_conformance(const struct relay_store_factory *factory)
{
    factory->fresh(factory->owner);
    struct relay_store *store = factory->open(factory->owner);
    struct relay_state state;
    assert_int_equal(store->load(store, FIRST, &state, NULL), STATUS_NOT_FOUND);
    expect_letters(store, 0, 8, "");
    put(store, FIRST, 5, 0);
    put(store, SECOND, 6, 4);
    put(store, FIRST, 7, 9);
    put(store, FIRST, 8, 3);
    put(store, FIRST, 9, 5);
    put(store, FIRST, 9, 5); /* the same letter is one */
    for (int life = 0; life < 2; life++) {
        expect_state(store, FIRST, 9);
        expect_state(store, SECOND, 6);
        expect_letters(store, 0, 8, "359");
        expect_letters(store, 3, 8, "59");
        expect_letters(store, 0, 2, "35");
        expect_letters(store, 9, 8, "");
        store->close(store);
        store = factory->open(factory->owner);
    }
    struct dead_letter again = letter_of(FIRST, 5);
    again.redrive = true;
    state = state_of(FIRST, 9);
    assert_int_equal(store->save(store, &state, &again, NULL), STATUS_OK);
    struct dead_letter found;
    uint32_t count = 0;
    assert_int_equal(store->letters(store, FIRST, 3, &found, 1, &count), STATUS_OK);
    assert_int_equal(count, 1);
    assert_true(found.redrive);
    assert_int_equal(store->remove(store, FIRST, 5, NULL), STATUS_OK);
    assert_int_equal(store->remove(store, FIRST, 5, NULL), STATUS_OK);
    assert_int_equal(store->remove(store, FIRST, 4, NULL), STATUS_OK); /* the other's */
    expect_letters(store, 0, 8, "39");
    assert_int_equal(store->forget(store, FIRST, NULL), STATUS_OK);
    assert_int_equal(store->load(store, FIRST, &state, NULL), STATUS_NOT_FOUND);
    expect_letters(store, 0, 8, "");
    expect_state(store, SECOND, 6);
    assert_int_equal(store->letters(store, SECOND, 0, &found, 1, &count), STATUS_OK);
    assert_int_equal(count, 1);
    store->close(store);
}
