/*
 * Goal: nobody starves, groups are never cut, limits hold, and every request comes out once.
 * Method: requests of many principals with counts known by hand; then random ones, beside a
 * count of what went in and came out.
 */
#include "wallet/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/prng.h"

static struct queue queue;
static struct transfer plain[REQUEST_TRANSFERS_MAX];
static struct transfer linked[REQUEST_TRANSFERS_MAX];

static struct request request_of(uint64_t principal, uint32_t count)
{
    return (struct request){
        .kind = REQUEST_TRANSFERS,
        .principal = { { principal, 9 } },
        .count = count,
        .transfers = plain,
    };
}

static int setup(void **state)
{
    (void)state;
    queue = (struct queue){ 0 };
    return 0;
}

static void add(struct request *request)
{
    assert_int_equal(queue_add(&queue, request), STATUS_OK);
}

static void principals_take_turns(void **state)
{
    (void)state;
    struct request requests[9];
    for (int i = 0; i < 9; i++) { /* the first three have queued up before the others came */
        requests[i] = request_of(i < 5 ? 1 : i < 7 ? 2 : 3, 1);
        add(&requests[i]);
    }
    static const int order[] = { 0, 5, 7, 1, 6, 8, 2, 3, 4 };
    struct queue_piece piece;
    for (int i = 0; i < 9; i++) {
        assert_true(queue_take(&queue, 10, &piece));
        assert_ptr_equal(piece.request, &requests[order[i]]);
        assert_true(piece.last);
    }
    assert_false(queue_take(&queue, 10, &piece));
    assert_int_equal(queue.items, 0);
}

static void large_request_is_taken_in_turns(void **state)
{
    (void)state;
    struct request large = request_of(1, REQUEST_TRANSFERS_MAX);
    struct request small[8];
    add(&large);
    for (int i = 0; i < 8; i++) {
        small[i] = request_of(2, 1);
        add(&small[i]);
    }
    struct queue_piece piece;
    uint32_t taken = 0;
    int turn = 0;
    while (taken < REQUEST_TRANSFERS_MAX) {
        assert_true(queue_take(&queue, BATCH_UNITS_MAX, &piece));
        assert_ptr_equal(piece.request, &large);
        assert_int_equal(piece.from, taken);
        assert_true(piece.count <= QUEUE_TURN_ITEMS);
        taken += piece.count;
        assert_int_equal(piece.last, taken == REQUEST_TRANSFERS_MAX);
        assert_true(queue_take(&queue, BATCH_UNITS_MAX, &piece)); /* waits one turn, not all */
        assert_ptr_equal(piece.request, &small[turn++]);
    }
    assert_int_equal(turn, 4);
}

static void groups_are_not_cut(void **state)
{
    (void)state;
    struct prng prng;
    prng_init(&prng, 3);
    for (int round = 0; round < 200; round++) {
        for (uint32_t i = 0; i < REQUEST_TRANSFERS_MAX;) { /* groups up to the longest */
            uint64_t most = round % 2 == 0 ? 20 : LINKED_MAX;
            uint64_t length = 1 + prng_below(&prng, most);
            for (; length > 0 && i < REQUEST_TRANSFERS_MAX; length--, i++) {
                bool last = length == 1 || i + 1 == REQUEST_TRANSFERS_MAX;
                linked[i].flags = last ? 0 : TRANSFER_FLAG_LINKED;
            }
        }
        struct request request = request_of(1, REQUEST_TRANSFERS_MAX);
        request.transfers = linked;
        add(&request);
        struct queue_piece piece = { .last = false };
        uint32_t from = 0;
        while (!piece.last) {
            uint32_t room = (uint32_t)prng_between(&prng, 1, 2 * LINKED_MAX);
            if (!queue_take(&queue, room, &piece)) {
                assert_true(room < LINKED_MAX); /* a longer group comes first */
                continue;
            }
            assert_true(piece.count > 0 && piece.count <= room);
            assert_int_equal(piece.from, from);
            from += piece.count;
            assert_int_equal(linked[from - 1].flags, 0);
        }
        assert_int_equal(from, REQUEST_TRANSFERS_MAX);
        assert_int_equal(queue.items, 0);
    }
}

static void limits_hold(void **state)
{
    (void)state;
    static struct request many[QUEUE_REQUESTS_MAX + 1];
    for (uint32_t i = 0; i < 16; i++) {
        many[i] = request_of(i, REQUEST_TRANSFERS_MAX);
        add(&many[i]);
    }
    many[16] = request_of(16, 1);
    assert_int_equal(queue_add(&queue, &many[16]), STATUS_LIMIT); /* transfers */
    struct queue_piece piece;
    assert_true(queue_take(&queue, 1, &piece));
    add(&many[16]);
    setup(NULL);
    for (uint32_t i = 0; i < QUEUE_REQUESTS_MAX; i++) {
        many[i] = request_of(i, 1);
        add(&many[i]);
    }
    assert_int_equal(queue_add(&queue, &many[QUEUE_REQUESTS_MAX]), STATUS_LIMIT); /* requests */
}

static void requests_begun_are_found_for_refusal(void **state)
{
    (void)state;
    struct request requests[30];
    struct queue_piece piece;
    for (uint32_t i = 0; i < 30; i++) {
        requests[i] = request_of(i % 10, 3);
        add(&requests[i]);
    }
    for (uint32_t i = 0; i < 7; i++) assert_true(queue_take(&queue, 2, &piece));
    uint32_t begun = 0;
    struct request *request;
    while ((request = queue_take_begun(&queue)) != NULL) {
        assert_int_equal(request->taken, 2);
        begun++;
    }
    assert_int_equal(begun, 7);
    assert_int_equal(queue.items, 23 * 3);
    uint32_t rest = 0;
    while (queue_take_any(&queue) != NULL) rest++;
    assert_int_equal(rest, 23);
    assert_int_equal(queue.items, 0);
    assert_int_equal(queue.requests, 0);
}

static void what_goes_in_comes_out_once(void **state)
{
    (void)state;
    enum { REQUESTS = 600, STEPS = 60000 };
    static struct request requests[REQUESTS];
    static bool inside[REQUESTS];
    struct prng prng;
    prng_init(&prng, 8);
    uint64_t items = 0;
    uint64_t taken = 0;
    for (int step = 0; step < STEPS; step++) {
        uint64_t which = prng_below(&prng, REQUESTS);
        struct queue_piece piece;
        struct request *request = NULL;
        switch (prng_below(&prng, 20)) {
        case 0: request = queue_take_begun(&queue); break;
        case 1: request = queue_take_any(&queue); break;
        case 2:
        case 3:
        case 4:
        case 5:
        case 6:
        case 7:
        case 8:
        case 9:
            if (inside[which]) break;
            requests[which] =
                request_of(prng_below(&prng, 40), 1 + (uint32_t)prng_below(&prng, 100));
            if (which % 5 == 0) requests[which].kind = REQUEST_READ;
            inside[which] = true;
            items += request_items(&requests[which]);
            add(&requests[which]);
            break;
        default:
            if (!queue_take(&queue, 1 + (uint32_t)prng_below(&prng, 60), &piece)) break;
            assert_true(inside[piece.request - requests]);
            assert_int_equal(piece.from + piece.count, piece.request->taken);
            taken += piece.count;
            if (piece.last) inside[piece.request - requests] = false;
            break;
        }
        if (request != NULL) {
            assert_true(inside[request - requests]);
            inside[request - requests] = false;
            taken += request_items(request) - request->taken;
        }
        assert_int_equal(queue.items, items - taken);
    }
    uint64_t left = 0;
    for (int i = 0; i < REQUESTS; i++) left += inside[i];
    assert_int_equal(queue.requests, left);
    assert_true(taken > STEPS);
}

/* As many principals as there are lines, and more: sharing a line loses nobody. */
static void more_principals_than_lines(void **state)
{
    (void)state;
    enum { PRINCIPALS = 4 * QUEUE_PRINCIPALS_MAX };
    static struct request requests[PRINCIPALS];
    for (uint32_t i = 0; i < PRINCIPALS; i++) {
        requests[i] = request_of(i * 7919, 1);
        add(&requests[i]);
    }
    struct queue_piece piece;
    for (uint32_t i = 0; i < PRINCIPALS; i++) {
        assert_true(queue_take(&queue, 5, &piece));
        assert_int_equal(piece.request->taken, 1);
    }
    assert_false(queue_take(&queue, 5, &piece));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(principals_take_turns, setup),
        cmocka_unit_test_setup(large_request_is_taken_in_turns, setup),
        cmocka_unit_test_setup(groups_are_not_cut, setup),
        cmocka_unit_test_setup(limits_hold, setup),
        cmocka_unit_test_setup(requests_begun_are_found_for_refusal, setup),
        cmocka_unit_test_setup(what_goes_in_comes_out_once, setup),
        cmocka_unit_test_setup(more_principals_than_lines, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
