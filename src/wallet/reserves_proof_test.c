/*
 * Goal: a customer's proof verifies with the log's key and nothing else; no changed byte, no other
 * balance, and no maker who signs what he likes gets a sum past that is not the sum.
 * Method: proofs of customers with much and with nothing; every bit flipped and every cut; a maker
 * with the key who lowers the total, and one who hides a negative balance by wrapping around.
 */
#include "wallet/reserves_proof.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wallet/reserves_proof_test.h"

static enum status verify(struct reserves_scene *scene, struct str text, struct money *out_balance)
{
    static struct sum_proof sums;
    struct error error = { 0 };
    struct arena arena;
    struct reserves_proof proof;
    struct reserves_facts facts;
    assert_int_equal(arena_init(&arena, 64 << 10), STATUS_OK);
    enum status status = reserves_proof_parse(text, &arena, &sums, &proof, &error);
    if (status == STATUS_OK) {
        status = reserves_proof_verify(&proof, &scene->signer.key, &facts, &error);
        *out_balance = proof.balance;
    }
    arena_done(&arena);
    assert_int_equal(status == STATUS_OK, error.message[0] == '\0');
    return status;
}

static enum status verify_of(struct reserves_scene *scene, const struct reserves_proof *proof,
                             struct money *out_balance)
{
    BUF_SCOPE struct buf text;
    buf_init(&text, RESERVES_PROOF_SIZE_MAX);
    assert_int_equal(reserves_proof_write(proof, &text), STATUS_OK);
    return verify(scene, buf_view(&text), out_balance);
}

static void everybody_is_in_the_total(void **state)
{
    (void)state; /* no fixture */
    static const uint64_t balances[] = { 1050, 0, 2 };
    struct reserves_scene scene;
    reserves_test_open(&scene);
    for (uint32_t i = 0; i < RESERVES_TEST_CUSTOMERS; i++) {
        static struct sum_proof sums;
        struct money balance = MONEY_ZERO;
        struct reserves_proof proof = reserves_test_prove(&scene, i, &sums);
        assert_int_equal(verify_of(&scene, &proof, &balance), STATUS_OK);
        assert_int_equal((uint64_t)balance.minor, balances[i]);
        proof.balance.minor++;
        assert_int_equal(verify_of(&scene, &proof, &balance), STATUS_INVALID);
    }
    reserves_test_close(&scene);
}

static void no_changed_bit_is_verified(void **state)
{
    (void)state; /* no fixture */
    static struct sum_proof sums;
    struct reserves_scene scene;
    struct money balance = MONEY_ZERO;
    BUF_SCOPE struct buf text;
    reserves_test_open(&scene);
    buf_init(&text, RESERVES_PROOF_SIZE_MAX);
    struct reserves_proof proof = reserves_test_prove(&scene, 0, &sums);
    assert_int_equal(reserves_proof_write(&proof, &text), STATUS_OK);
    assert_true(reserves_is_proof(buf_view(&text)));
    for (size_t at = 0; at < text.len; at++) {
        const struct str cut = { (const char *)text.data, at };
        assert_int_not_equal(verify(&scene, cut, &balance), STATUS_OK);
        for (unsigned bit = 1; bit < 256; bit *= 2) {
            text.data[at] ^= (uint8_t)bit;
            assert_int_not_equal(verify(&scene, buf_view(&text), &balance), STATUS_OK);
            text.data[at] ^= (uint8_t)bit;
        }
    }
    assert_int_equal(verify(&scene, buf_view(&text), &balance), STATUS_OK);
    reserves_test_close(&scene);
}

/* Between members, where JSON would allow it; and escapes that nobody needs. */
static void no_other_text_is_taken_for_it(void **state)
{
    (void)state; /* no fixture */
    static struct sum_proof sums;
    struct reserves_scene scene;
    struct money balance = MONEY_ZERO;
    BUF_SCOPE struct buf text;
    BUF_SCOPE struct buf other;
    reserves_test_open(&scene);
    buf_init(&other, 2 * RESERVES_PROOF_SIZE_MAX);
    buf_init(&text, RESERVES_PROOF_SIZE_MAX);
    struct reserves_proof proof = reserves_test_prove(&scene, 0, &sums);
    assert_int_equal(reserves_proof_write(&proof, &text), STATUS_OK);
    buf_append_format(&other, " %.*s", STR_ARG(buf_view(&text)));
    assert_int_equal(verify(&scene, buf_view(&other), &balance), STATUS_INVALID);
    buf_reset(&other);
    buf_append_format(&other, "{\"\\u0066%.*s", (int)text.len - 3, (char *)text.data + 3);
    assert_int_equal(verify(&scene, buf_view(&other), &balance), STATUS_INVALID);
    assert_int_equal(verify(&scene, buf_view(&text), &balance), STATUS_OK);
    reserves_test_close(&scene);
}

static void a_share_is_its_own_customers(void **state)
{
    (void)state; /* no fixture */
    static struct sum_proof sums;
    static struct sum_proof others;
    struct reserves_scene scene;
    struct money balance = MONEY_ZERO;
    reserves_test_open(&scene);
    struct reserves_proof proof = reserves_test_prove(&scene, 0, &sums);
    struct reserves_proof other = reserves_test_prove(&scene, 2, &others);
    struct sum_share right = sums.shares[1];
    sums.shares[1] = others.shares[1];
    assert_int_equal(verify_of(&scene, &proof, &balance), STATUS_INVALID);
    sums.shares[1] = right;
    sums.share_count = 1;
    assert_int_equal(verify_of(&scene, &proof, &balance), STATUS_INVALID);
    proof.balance = sums.shares[0].amount; /* a maker who leaves a share out, and says so */
    assert_int_equal(verify_of(&scene, &proof, &balance), STATUS_OK);
    assert_true(money_less(balance, money_from_minor(1050))); /* the customer compares */
    sums.share_count = 2;
    proof.balance = money_from_minor(1050);
    other.account = proof.account;
    assert_int_equal(verify_of(&scene, &other, &balance), STATUS_INVALID);
    assert_int_equal(verify_of(&scene, &proof, &balance), STATUS_OK);
    reserves_test_close(&scene);
}

/* He signs another total over the same tree. */
static void a_lowered_total_is_found_by_each_customer(void **state)
{
    (void)state; /* no fixture */
    static struct sum_proof sums;
    struct reserves_scene scene;
    struct money balance = MONEY_ZERO;
    reserves_test_open(&scene);
    scene.statement.tree.root.sum.minor -= 1;
    reserves_test_sign(&scene);
    for (uint32_t i = 0; i < RESERVES_TEST_CUSTOMERS; i++) {
        struct reserves_proof proof = reserves_test_prove(&scene, i, &sums);
        assert_int_equal(verify_of(&scene, &proof, &balance), STATUS_INVALID);
    }
    reserves_test_close(&scene);
}

/*
 * He signs a tree that says 1.00 of a customer's 10.50, with "minus 9.50" beside it: a sum that
 * only wraps around to be that. Hashes, signature and place are right.
 */
static void a_negative_balance_cannot_hide(void **state)
{
    (void)state; /* no fixture */
    static struct sum_proof sums;
    struct reserves_scene scene;
    struct money balance = MONEY_ZERO;
    reserves_test_open(&scene);
    struct account_id account = reserves_test_id(1);
    struct money amount = money_from_minor(1050);
    struct sum_node sibling = { .sum = { (uint128)0 - 950 } };
    sums = (struct sum_proof){ .share_count = 1 };
    sums.shares[0].amount = amount;
    for (unsigned honest = 0; honest < 2; honest++) {
        if (honest == 1) sibling.sum = money_from_minor(950);
        sums.shares[0].siblings[0] = sibling;
        const struct digest_part leaf[] = {
            { "TPWV", 4 }, { sums.shares[0].salt.bytes, 16 }, { &account, 16 }, { &amount, 16 }
        };
        struct digest hash = digest_of_parts(leaf, 4);
        const struct digest_part node[] = {
            { "TPWN", 4 }, { &hash, 32 }, { &amount, 16 }, { &sibling, sizeof sibling }
        };
        scene.statement.tree.height = 1;
        scene.statement.tree.root.hash = digest_of_parts(node, 4);
        scene.statement.tree.root.sum = money_from_minor(honest == 1 ? 2000 : 100);
        reserves_test_sign(&scene);
        const struct reserves_proof proof = { account, amount, scene.statement.asset,
                                              1,       &sums,  scene.snapshot };
        assert_int_equal(verify_of(&scene, &proof, &balance),
                         honest == 1 ? STATUS_OK : STATUS_INVALID);
    }
    reserves_test_close(&scene);
}

static void what_is_too_large_or_deep_is_refused(void **state)
{
    (void)state; /* no fixture */
    struct reserves_scene scene;
    struct money balance = MONEY_ZERO;
    BUF_SCOPE struct buf text;
    reserves_test_open(&scene);
    buf_init(&text, 4 * RESERVES_PROOF_SIZE_MAX);
    while (text.len <= RESERVES_PROOF_SIZE_MAX) buf_append_str(&text, STR("[[[[[[[[[[[[[[[["));
    assert_int_equal(verify(&scene, buf_view(&text), &balance), STATUS_LIMIT);
    buf_reset(&text);
    buf_append_str(&text, STR("{\"shares\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}"));
    assert_int_equal(verify(&scene, buf_view(&text), &balance), STATUS_INVALID);
    reserves_test_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_is_in_the_total),
        cmocka_unit_test(no_changed_bit_is_verified),
        cmocka_unit_test(no_other_text_is_taken_for_it),
        cmocka_unit_test(a_share_is_its_own_customers),
        cmocka_unit_test(a_lowered_total_is_found_by_each_customer),
        cmocka_unit_test(a_negative_balance_cannot_hide),
        cmocka_unit_test(what_is_too_large_or_deep_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
