/*
 * Goal: each record is entered where it is looked for and nowhere else; the runs never claim a
 * batch that memory and runs do not cover.
 * Method: a lane over ports in memory that was drained; records are entered into it by hand, and
 * the state of a rebuild is set to batches before, at and after what it holds.
 */
#include "wallet/indexes.h"

#include "wallet/lane_test.h"

static bool holds(struct bench *bench, enum lane_index which, uint64_t key)
{
    struct locator locator;
    enum status status = index_find(bench->lane->indexes[which], test_id(key), &locator, NULL);
    assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
    return status == STATUS_OK;
}

/* Which of the indexes know the key, as bits. */
static unsigned known_in(struct bench *bench, uint64_t key)
{
    unsigned which = 0;
    for (unsigned i = 0; i < LANE_INDEX_COUNT; i++) {
        which |= (unsigned)holds(bench, (enum lane_index)i, key) << i;
    }
    return which;
}

static void records_are_entered_by_kind_and_only_where_asked(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    struct {
        struct record_transfer transfer;
        struct record_transfer_more more;
    } closing = {
        .transfer = { .head = { .type = RECORD_TRANSFER, .flags = RECORD_FLAG_CLOSES_HOLD },
                      .id = { test_id(1) },
                      .user_ref = test_id(2) },
        .more = { .target = { test_id(3) } },
    };
    struct record_context context = { .head = { .type = RECORD_CONTEXT }, .key = test_id(4) };
    const struct locator at = locator_make(1, 128);
    const unsigned all = (1U << LANE_INDEX_COUNT) - 1;
    indexes_enter(bench->lane, 0, at, &closing.transfer.head);
    indexes_enter(bench->lane, all & ~(1U << LANE_INDEX_IDS), at, &closing.transfer.head);
    indexes_enter(bench->lane, all, at, &context.head); /* not the first of its key */
    assert_int_equal(known_in(bench, 1), 0);
    assert_int_equal(known_in(bench, 2), 1U << LANE_INDEX_REFERENCES);
    assert_int_equal(known_in(bench, 3), 1U << LANE_INDEX_CLOSINGS);
    assert_int_equal(known_in(bench, 4), 0);
    indexes_enter(bench->lane, 1U << LANE_INDEX_IDS, at, &closing.transfer.head);
    context.first = 1;
    indexes_enter(bench->lane, all & ~(1U << LANE_INDEX_KEYS), at, &context.head);
    assert_int_equal(known_in(bench, 4), 0);
    indexes_enter(bench->lane, 1U << LANE_INDEX_KEYS, at, &context.head);
    assert_int_equal(known_in(bench, 1), 1U << LANE_INDEX_IDS);
    assert_int_equal(known_in(bench, 4), 1U << LANE_INDEX_KEYS);
    bench_free(bench);
}

static void nothing_is_claimed_above_what_was_read(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    test_accounts(bench, 2);
    for (uint64_t i = 0; i < 4; i++) (void)test_one(bench, test_transfer(100 + i, 1, 2, 1));
    struct lane *lane = bench->lane;
    uint64_t head = lane->head.sequence;
    assert_int_equal(indexes_covered(lane), head);
    assert_int_equal(indexes_batch(lane), 0); /* all is in memory, nothing in runs */
    assert_false(indexes_caught_up(lane, head));
    assert_int_equal(indexes_lacking(lane, head), (1U << LANE_INDEX_COUNT) - 1);
    lane->rebuild.state = REBUILD_RUNNING;
    for (uint64_t reached = 0; reached <= head; reached++) {
        lane->rebuild.walk.sequence = reached;
        assert_int_equal(indexes_covered(lane), reached);
        assert_true(indexes_batch(lane) <= reached);
    }
    lane->rebuild.state = REBUILD_NONE;
    lane->rebuild.walk.sequence = 0;
    lane_catch_up(lane);
    assert_true(indexes_caught_up(lane, head));
    assert_int_equal(indexes_batch(lane), head);
    assert_int_equal(indexes_lacking(lane, head) & 1U << LANE_INDEX_IDS, 0);
    assert_int_equal(indexes_lacking(lane, head + 1), (1U << LANE_INDEX_COUNT) - 1);
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_entered_by_kind_and_only_where_asked),
        cmocka_unit_test(nothing_is_claimed_above_what_was_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
