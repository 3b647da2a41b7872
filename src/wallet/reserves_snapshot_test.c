/*
 * Goal: a snapshot is verified only when its log signed the statement and has the unit that the
 * statement names, at that place, under that checkpoint; there is one text for it.
 * Method: one as it should be; every bit flipped and every cut of its text; a log that signs
 * statements which do not fit its leaf, one member at a time.
 */
#include "wallet/reserves_snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wallet/reserves_proof_test.h"

static void text_of(const struct reserves_snapshot *snapshot, struct buf *out)
{
    struct json_writer json;
    buf_init(out, RESERVES_SNAPSHOT_SIZE_MAX);
    json_writer_init(&json, out);
    reserves_snapshot_write(snapshot, &json);
    assert_int_equal(json_write_end(&json), STATUS_OK);
}

static enum status verify(struct reserves_scene *scene, struct str text,
                          struct reserves_facts *out_facts)
{
    struct error error = { 0 };
    struct arena arena;
    struct reserves_snapshot snapshot;
    assert_int_equal(arena_init(&arena, 64 << 10), STATUS_OK);
    enum status status = reserves_snapshot_parse(text, &arena, &snapshot, &error);
    if (status == STATUS_OK) {
        status = reserves_snapshot_verify(&snapshot, &scene->signer.key, out_facts, &error);
    }
    arena_done(&arena);
    assert_int_equal(status == STATUS_OK, error.message[0] == '\0');
    return status;
}

static void a_snapshot_verifies_and_no_changed_bit_does(void **state)
{
    (void)state; /* no fixture */
    struct reserves_scene scene;
    struct reserves_facts facts = { 0 };
    BUF_SCOPE struct buf text;
    reserves_test_open(&scene);
    text_of(&scene.snapshot, &text);
    assert_int_equal(verify(&scene, buf_view(&text), &facts), STATUS_OK);
    assert_int_equal((uint64_t)facts.statement.tree.root.sum.minor, 1052);
    assert_int_equal((uint64_t)facts.coverage.owed.minor, 1082);
    assert_int_equal(facts.stamp.ns, scene.leaf.head.stamp.ns);
    for (size_t at = 0; at < text.len; at++) {
        const struct str cut = { (const char *)text.data, at };
        assert_int_not_equal(verify(&scene, cut, &facts), STATUS_OK);
        for (unsigned bit = 1; bit < 256; bit *= 2) {
            text.data[at] ^= (uint8_t)bit;
            assert_int_not_equal(verify(&scene, buf_view(&text), &facts), STATUS_OK);
            text.data[at] ^= (uint8_t)bit;
        }
    }
    reserves_test_close(&scene);
}

/* Between members, where JSON would allow it; and escapes that nobody needs. */
static void no_other_text_is_taken_for_it(void **state)
{
    (void)state; /* no fixture */
    struct reserves_scene scene;
    struct reserves_facts facts = { 0 };
    BUF_SCOPE struct buf text;
    BUF_SCOPE struct buf other;
    reserves_test_open(&scene);
    buf_init(&other, 2 * RESERVES_SNAPSHOT_SIZE_MAX);
    text_of(&scene.snapshot, &text);
    buf_append_format(&other, " %.*s", STR_ARG(buf_view(&text)));
    assert_int_equal(verify(&scene, buf_view(&other), &facts), STATUS_INVALID);
    buf_reset(&other);
    buf_append_format(&other, "{\"\\u0066%.*s", (int)text.len - 3, (char *)text.data + 3);
    assert_int_equal(verify(&scene, buf_view(&other), &facts), STATUS_INVALID);
    assert_int_equal(verify(&scene, buf_view(&text), &facts), STATUS_OK);
    reserves_test_close(&scene);
}

/* The log signs it, but its tree does not have that unit there. */
static enum status verify_signed(struct reserves_scene *scene)
{
    struct reserves_facts facts = { 0 };
    BUF_SCOPE struct buf text;
    reserves_test_sign(scene);
    text_of(&scene->snapshot, &text);
    return verify(scene, buf_view(&text), &facts);
}

static void the_statement_is_of_the_leaf_that_is_shown(void **state)
{
    (void)state; /* no fixture */
    struct reserves_scene scene;
    reserves_test_open(&scene);
    const struct reserves_statement right = scene.statement;
    scene.statement.lane = 1;
    assert_int_equal(verify_signed(&scene), STATUS_INVALID);
    scene.statement = right;
    scene.statement.at.batch++;
    assert_int_equal(verify_signed(&scene), STATUS_INVALID);
    scene.statement = right;
    scene.statement.at.index++;
    assert_int_equal(verify_signed(&scene), STATUS_INVALID);
    scene.statement = right;
    scene.statement.index = 1;
    assert_int_equal(verify_signed(&scene), STATUS_INVALID);
    scene.statement = right;
    scene.statement.log.size = 2;
    assert_int_equal(verify_signed(&scene), STATUS_INVALID);
    scene.statement = right;
    scene.statement.log.root.bytes[5] ^= 1;
    assert_int_equal(verify_signed(&scene), STATUS_INVALID);
    scene.statement = right;
    for (uint32_t i = 0; i < 2; i++) {
        scene.statement.accounts[i].role = RESERVE_BANK;
        memset(scene.statement.accounts[i].psp, 0, sizeof scene.statement.accounts[i].psp);
        scene.statement.accounts[i].debits = MONEY_MAX;
        scene.statement.accounts[i].credits = MONEY_ZERO;
    }
    assert_int_equal(verify_signed(&scene), STATUS_INVALID); /* what is held passes 128 bits */
    scene.statement = right;
    assert_int_equal(verify_signed(&scene), STATUS_OK);
    reserves_test_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_verifies_and_no_changed_bit_does),
        cmocka_unit_test(no_other_text_is_taken_for_it),
        cmocka_unit_test(the_statement_is_of_the_leaf_that_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
