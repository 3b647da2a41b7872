/*
 * Goal: whatever bytes come as a customer's proof, a snapshot, its statement or its private part,
 * reading stays inside them; what is read has no other bytes, and nothing is proven that nobody
 * signed.
 * Method: the input as each of them; what is accepted is written again and compared, and verified
 * with a key that signed nothing; a private part that is accepted is built when it is small.
 */
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "wallet/reserves_book.h"
#include "wallet/reserves_proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARENA_SIZE = 1 << 20, BUILD_HEIGHT_MAX = 12 };

struct reading {
    struct arena arena;
    struct note_key key;
    struct reserves_facts facts;
};

static void proof_read(struct reading *reading, struct str input)
{
    static struct sum_proof sums;
    struct reserves_proof proof;
    struct error error;
    struct money balance;
    arena_reset(&reading->arena);
    if (reserves_proof_parse(input, &reading->arena, &sums, &proof, &error) != STATUS_OK) return;
    struct buf again;
    buf_init(&again, RESERVES_PROOF_SIZE_MAX);
    enum status status = reserves_proof_write(&proof, &again);
    CHECK(status == STATUS_OK);
    CHECK(str_equal(buf_view(&again), input));
    buf_free(&again);
    CHECK(reserves_is_proof(input));
    status = reserves_proof_verify(&proof, &reading->key, &reading->facts, &error);
    CHECK(status != STATUS_OK);
    /* The shares by themselves, under a root that nobody has. */
    const struct sum_head head = { .height = proof.height };
    status = sum_verify(&head, proof.account, &sums, &balance, &error);
    CHECK(status == STATUS_INVALID);
}

static void snapshot_read(struct reading *reading, struct str input)
{
    struct reserves_snapshot snapshot;
    struct error error;
    arena_reset(&reading->arena);
    if (reserves_snapshot_parse(input, &reading->arena, &snapshot, &error) != STATUS_OK) return;
    enum status status =
        reserves_snapshot_verify(&snapshot, &reading->key, &reading->facts, &error);
    CHECK(status != STATUS_OK);
}

static void statement_read(struct str input)
{
    struct reserves_statement statement;
    struct reserves_coverage coverage;
    struct error error;
    if (reserves_statement_parse(input, &statement, &error) != STATUS_OK) return;
    CHECK(statement.tree.height <= SUM_HEIGHT_MAX);
    CHECK(statement.account_count <= RESERVE_ACCOUNTS_MAX);
    if (!reserves_coverage_of(&statement, &coverage)) return;
    CHECK(!money_less(coverage.owed, coverage.short_of));
    CHECK(!money_less(coverage.short_of, coverage.short_with_clearing));
}

static void book_read(struct str input)
{
    struct reserves_book book;
    struct error error;
    enum status status = reserves_book_new(input.len, &book, &error);
    CHECK(status == STATUS_OK);
    if (input.len > 0) memcpy(book.memory, input.data, input.len);
    book.size = input.len;
    status = reserves_book_open(&book, &error);
    if (status == STATUS_OK && reserves_book_head(&book)->height <= BUILD_HEIGHT_MAX) {
        const struct reserves_statement nobodys = { 0 };
        status = reserves_book_build(&book, &error);
        if (status == STATUS_OK) status = reserves_book_compare(&book, &nobodys, &error);
        CHECK(status != STATUS_OK);
    }
    reserves_book_close(&book);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = { (const char *)data, size };
    struct reading reading = { .key = { .kind = NOTE_ED25519, .name_len = 1, .name = { 'a' } } };
    if (size > ARENA_SIZE / 2) return 0;
    enum status status = arena_init(&reading.arena, ARENA_SIZE);
    CHECK(status == STATUS_OK);
    proof_read(&reading, input);
    snapshot_read(&reading, input);
    statement_read(input);
    book_read(input);
    arena_done(&reading.arena);
    return 0;
}
