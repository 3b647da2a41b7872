/*
 * Goal: a statement has one text, is believed only under its own log's signature and first line,
 * and never says less is owed or more is held than its accounts do, each by itself.
 * Method: one written and read back; every bit of it flipped and every cut; lines changed, in a
 * table; a checkpoint and another log's statement, well signed; coverage beside sums by hand.
 */
#include "wallet/reserves_statement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wallet/reserves_proof_test.h"

static enum status open_note(struct str bytes, const struct note_key *key,
                             struct reserves_statement *out_statement)
{
    struct note note;
    struct error error = { 0 };
    enum status status = note_parse(bytes, &note, &error);
    if (status == STATUS_OK) status = reserves_statement_open(&note, key, out_statement, &error);
    assert_int_equal(status == STATUS_OK, error.message[0] == '\0');
    return status;
}

static void it_is_read_as_it_was_written(void **state)
{
    (void)state; /* no fixture */
    struct reserves_scene scene;
    struct reserves_statement read = { 0 };
    reserves_test_open(&scene);
    assert_int_equal(open_note(buf_view(&scene.note), &scene.signer.key, &read), STATUS_OK);
    assert_memory_equal(&read.asset, &scene.statement.asset, sizeof read.asset);
    assert_memory_equal(&read.at, &scene.statement.at, sizeof read.at);
    assert_memory_equal(&read.log, &scene.statement.log, sizeof read.log);
    assert_int_equal(read.tree.height, RESERVES_HEIGHT_MIN);
    assert_memory_equal(&read.tree.root, &scene.statement.tree.root, sizeof read.tree.root);
    assert_memory_equal(&read.key, &scene.statement.key, sizeof read.key);
    assert_int_equal(read.overdrawn_count, 1);
    assert_int_equal((uint64_t)read.overdrawn.minor, 300);
    assert_int_equal(read.account_count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        const struct reserve_account *was = &scene.statement.accounts[i];
        const struct reserve_account *is = &read.accounts[i];
        assert_int_equal(is->role, was->role);
        assert_string_equal(is->psp, was->psp);
        assert_true(uuid_equal(is->id.value, was->id.value));
        assert_true(money_equal(is->debits, was->debits));
        assert_true(money_equal(is->credits, was->credits));
    }
    reserves_test_close(&scene);
}

static void no_changed_bit_is_believed(void **state)
{
    (void)state; /* no fixture */
    struct reserves_scene scene;
    struct reserves_statement read;
    reserves_test_open(&scene);
    for (size_t at = 0; at < scene.note.len; at++) {
        const struct str cut = { (const char *)scene.note.data, at };
        assert_int_not_equal(open_note(cut, &scene.signer.key, &read), STATUS_OK);
        for (unsigned bit = 1; bit < 256; bit *= 2) {
            scene.note.data[at] ^= (uint8_t)bit;
            assert_int_not_equal(open_note(buf_view(&scene.note), &scene.signer.key, &read),
                                 STATUS_OK);
            scene.note.data[at] ^= (uint8_t)bit;
        }
    }
    reserves_test_close(&scene);
}

/* The statement's text with one piece of it replaced, whoever would sign it. */
static enum status parse_with(struct reserves_scene *scene, const char *old, const char *new)
{
    struct note note;
    struct error error = { 0 };
    struct reserves_statement read;
    BUF_SCOPE struct buf text;
    buf_init(&text, 2 * RESERVES_TEXT_SIZE_MAX);
    assert_int_equal(note_parse(buf_view(&scene->note), &note, NULL), STATUS_OK);
    size_t len = strlen(old);
    size_t at = 0;
    while (at + len <= note.text.len && memcmp(note.text.data + at, old, len) != 0) at++;
    assert_true(at + len <= note.text.len);
    buf_append_str(&text, (struct str){ note.text.data, at });
    buf_append_str(&text, str_from(new));
    buf_append_str(&text, (struct str){ note.text.data + at + len, note.text.len - at - len });
    enum status status = reserves_statement_parse(buf_view(&text), &read, &error);
    assert_int_equal(status == STATUS_OK, error.message[0] == '\0');
    return status;
}

static void lines_that_are_not_ours_are_refused(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        const char *old;
        const char *new;
    } changes[] = {
        { "tpwallet reserves 1", "tpwallet reserves 2" },
        { "asset EUR 978 2", "asset EUR 978 0" }, /* a hundredth of what is owed */
        { "asset EUR 978 2", "asset EUR 840 2" },
        { "asset EUR 978 2", "asset XEUR 978 2" },
        { "asset EUR 978 2", "asset EUR 978" },
        { "lane 0", "lane 00" },
        { "lane 0", "lane 4294967296" },
        { "position 12-3", "position 12" },
        { "leaf 0 of 1", "leaf 2 of 1" },
        { "tree 8 ", "tree 29 " },
        { "total 10.52 EUR", "total -10.52 EUR" },
        { "total 10.52 EUR", "total 10.52 USD" },
        { "total 10.52 EUR", "total 10.5 EUR" },
        { "total 10.52 EUR", "total 3402823669209384634633746074317682114.56 EUR" },
        { "overdrawn 1 owe 3.00", "overdrawn 1 owe -3.00" },
        { "debits 10.10 credits 0.10", "debits -10.10 credits 0.10" },
        { "debits 10.10 credits 0.10", "credits 10.10 debits 0.10" },
        { "debits 10.10 credits 0.10", "debits 10.10 credits 0.10 more" },
        { "bank ", "vault " },
        { "bank ", "bank:sandbox " },
        { "clearing:sandbox", "clearing" },
        { "clearing:sandbox", "clearing:" },
        { "clearing:sandbox", "clearing:Sandbox" },
        { "00000000-0000-0007-0000-00000000005f", "00000000-0000-0007-0000-00000000005F" },
        { "00000000-0000-0007-0000-00000000005f", "00000000-0000-0007-0000-00000000005e" },
        { "lane 0\n", "lane 0\nlane 0\n" },
        { "lane 0\n", "" },
    };
    struct reserves_scene scene;
    reserves_test_open(&scene);
    assert_int_equal(parse_with(&scene, "lane 0", "lane 0"), STATUS_OK);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        assert_int_equal(parse_with(&scene, changes[i].old, changes[i].new), STATUS_INVALID);
    }
    reserves_test_close(&scene);
}

/* What the same key signed for another purpose, and what another key signed for this one. */
static void only_its_own_log_makes_statements(void **state)
{
    (void)state; /* no fixture */
    struct reserves_scene scene;
    struct reserves_statement read;
    struct note_signer other;
    reserves_test_open(&scene);
    assert_int_equal(open_note(buf_view(&scene.checkpoint), &scene.signer.key, &read),
                     STATUS_DENIED);
    test_signer(&other, "example.com/0", NOTE_ED25519, 4);
    assert_int_equal(open_note(buf_view(&scene.note), &other.key, &read), STATUS_NOT_FOUND);
    note_signer_done(&other);
    /* A statement of another log's, signed with this key as well. */
    struct note note;
    BUF_SCOPE struct buf foreign;
    buf_init(&foreign, NOTE_SIZE_MAX);
    test_signer(&other, "example.com/1", NOTE_ED25519, 3);
    buf_reset(&scene.note);
    reserves_statement_sign(&scene.statement, &other, &scene.note);
    assert_int_equal(note_parse(buf_view(&scene.note), &note, NULL), STATUS_OK);
    note_begin(&foreign, note.text);
    note_sign(&foreign, note.text, &scene.signer);
    assert_int_equal(open_note(buf_view(&foreign), &scene.signer.key, &read), STATUS_DENIED);
    note_signer_done(&other);
    reserves_test_close(&scene);
}

static void nothing_is_netted(void **state)
{
    (void)state; /* no fixture */
    struct reserves_scene scene;
    struct reserves_coverage coverage;
    reserves_test_open(&scene);
    struct reserves_statement *statement = &scene.statement;
    assert_true(reserves_coverage_of(statement, &coverage));
    assert_int_equal((uint64_t)coverage.owed.minor, 1052 + 30);
    assert_int_equal((uint64_t)coverage.held.minor, 1000);
    assert_int_equal((uint64_t)coverage.clearing.minor, 82);
    assert_int_equal((uint64_t)coverage.short_of.minor, 82);
    assert_true(money_is_zero(coverage.short_with_clearing));
    /* An overdrawn bank, a PSP that is owed, suspense that owes: each is nothing to the others. */
    for (uint32_t i = 0; i < 3; i++) {
        struct money side = statement->accounts[i].debits;
        statement->accounts[i].debits = statement->accounts[i].credits;
        statement->accounts[i].credits = side;
    }
    assert_true(reserves_coverage_of(statement, &coverage));
    assert_int_equal((uint64_t)coverage.owed.minor, 1052);
    assert_true(money_is_zero(coverage.held) && money_is_zero(coverage.clearing));
    assert_int_equal((uint64_t)coverage.short_of.minor, 1052);
    statement->accounts[0] = statement->accounts[1];
    statement->accounts[0].role = statement->accounts[1].role = RESERVE_BANK;
    statement->accounts[0].debits = statement->accounts[1].debits = MONEY_MAX;
    statement->accounts[0].credits = statement->accounts[1].credits = MONEY_ZERO;
    assert_false(reserves_coverage_of(statement, &coverage));
    reserves_test_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_read_as_it_was_written),
        cmocka_unit_test(no_changed_bit_is_believed),
        cmocka_unit_test(lines_that_are_not_ours_are_refused),
        cmocka_unit_test(only_its_own_log_makes_statements),
        cmocka_unit_test(nothing_is_netted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
