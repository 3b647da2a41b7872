/*
 * Goal: a walk gives every batch in order, moves on only when told to, and names what is not in
 * its place.
 * Method: a short journal written by the lane over ports in memory; then batches are exchanged,
 * taken away and given other headers.
 */
#include "wallet/journal_walk.h"

#include "wallet/lane_test.h"

static struct bench *with_journal(void)
{
    struct bench *bench = bench_new();
    test_accounts(bench, 2);
    for (uint64_t i = 0; i < 4; i++) (void)test_one(bench, test_transfer(100 + i, 1, 2, 1));
    assert_int_equal(bench->disk->head, 5);
    return bench;
}

/* The batch at which the walk from behind `after` ends, and why. */
static enum status walk_to_end(struct bench *bench, uint64_t after, uint64_t *out_reached,
                               struct error *out_error)
{
    struct journal_walk walk;
    journal_walk_open(&walk, &bench->store.port, bench->options.number, after);
    enum status status = STATUS_OK;
    while (status == STATUS_OK && walk.sequence < bench->disk->head) {
        struct batch_reader reader;
        status = journal_walk_read(&walk, &reader, out_error);
        if (status != STATUS_OK) break;
        assert_int_equal(reader.header->sequence, walk.sequence + 1);
        journal_walk_next(&walk);
    }
    *out_reached = walk.sequence;
    struct store_head head = disk_head(bench->disk);
    if (status == STATUS_OK) assert_true(journal_walk_ends_at(&walk, &head.hash));
    head.hash.bytes[0] ^= 1;
    bool any = walk.sequence > after;
    if (status == STATUS_OK) assert_int_equal(journal_walk_ends_at(&walk, &head.hash), !any);
    journal_walk_close(&walk);
    journal_walk_close(&walk); /* what is closed may be closed */
    return status;
}

static void every_batch_is_given_in_order(void **state)
{
    (void)state;
    struct bench *bench = with_journal();
    for (uint64_t after = 0; after <= 5; after++) {
        uint64_t reached;
        struct error error = { 0 };
        assert_int_equal(walk_to_end(bench, after, &reached, &error), STATUS_OK);
        assert_int_equal(reached, 5);
    }
    bench_free(bench);
}

static void a_read_does_not_move_on(void **state)
{
    (void)state;
    struct bench *bench = with_journal();
    struct journal_walk walk;
    struct batch_reader reader;
    journal_walk_open(&walk, &bench->store.port, 0, 2);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(journal_walk_read(&walk, &reader, NULL), STATUS_OK);
        assert_int_equal(reader.header->sequence, 3);
    }
    bench->dead = true;
    assert_int_equal(journal_walk_read(&walk, &reader, NULL), STATUS_UNAVAILABLE);
    bench->dead = false;
    assert_int_equal(journal_walk_read(&walk, &reader, NULL), STATUS_OK);
    journal_walk_next(&walk);
    assert_int_equal(walk.sequence, 3);
    journal_walk_close(&walk);
    bench_free(bench);
}

static void expect_fault(struct bench *bench, uint64_t reached_wanted, const char *message)
{
    uint64_t reached;
    struct error error = { 0 };
    assert_int_equal(walk_to_end(bench, 0, &reached, &error), STATUS_CORRUPT);
    assert_int_equal(reached, reached_wanted);
    if (strstr(error.message, message) == NULL) fail_msg("%s", error.message);
}

static void what_is_not_in_its_place_is_named(void **state)
{
    (void)state;
    struct bench *bench = with_journal();
    struct disk_batch *batches = bench->disk->batches;
    struct disk_batch third = batches[3];
    batches[3] = batches[4];
    expect_fault(bench, 2, "batch 3 of the journal: it does not follow the batch before it");
    batches[3] = third;
    struct disk_batch first = batches[1];
    batches[1] = batches[2];
    expect_fault(bench, 0, "batch 1 of the journal: it bears another number");
    batches[1] = first;
    bench->options.number = 7;
    expect_fault(bench, 0, "batch 1 of the journal: it belongs to another lane");
    bench->options.number = 0;
    struct journal_walk walk;
    struct batch_reader reader;
    struct error error = { 0 };
    journal_walk_open(&walk, &bench->store.port, 0, 5);
    assert_int_equal(journal_walk_read(&walk, &reader, &error), STATUS_CORRUPT);
    assert_string_equal(error.message, "batch 6 of the journal is missing");
    journal_walk_close(&walk);
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_batch_is_given_in_order),
        cmocka_unit_test(a_read_does_not_move_on),
        cmocka_unit_test(what_is_not_in_its_place_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
