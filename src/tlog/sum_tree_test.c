/*
 * Goal: the root's sum is what all customers are owed; each can check that he is in it with his
 * whole balance, and no other balance, account, sum or place passes for it.
 * Method: trees of many shapes beside a plain sum; a tree put together by hand; every bit of a
 * proof and its head flipped; the known attacks on sum trees (negative sums by wrapping, one leaf
 * twice, a node as a leaf, one leaf for two customers); chance looked at: shares, places.
 */
#include "tlog/sum_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check_test.h"
#include "base/prng.h"

struct life {
    struct sum_tree tree;
    struct secret key;
    struct sum_liability *liabilities;
    uint64_t count;
    struct money total;
};

static void life_begin(struct life *life, uint64_t count, uint32_t shares, uint8_t key_byte)
{
    struct prng prng;
    uint8_t key[SUM_KEY_SIZE];
    prng_init(&prng, count);
    memset(key, key_byte, sizeof key);
    assert_int_equal(secret_take(key, sizeof key, &life->key), STATUS_OK);
    uint32_t height = sum_tree_height(count, shares, 16);
    life->count = count;
    life->total = MONEY_ZERO;
    life->liabilities = calloc(count + 1, sizeof life->liabilities[0]);
    life->tree = (struct sum_tree){
        .options = { .height = height, .shares = shares, .key = &life->key },
        .nodes = calloc(UINT64_C(2) << height, sizeof(struct sum_node)),
        .order = calloc(UINT64_C(1) << height, sizeof(uint32_t)),
    };
    assert_non_null(life->liabilities);
    assert_non_null(life->tree.nodes);
    assert_non_null(life->tree.order);
    for (uint64_t i = 0; i < count; i++) {
        life->liabilities[i].account.value = (struct uuid){ .lo = prng_next(&prng), .hi = i };
        uint64_t most = i % 3 == 0 ? 5 : UINT64_MAX; /* small ones: many shares of nothing */
        life->liabilities[i].balance = money_from_minor(prng_next(&prng) % most);
        assert_true(money_add(life->total, life->liabilities[i].balance, &life->total));
    }
}

static void life_end(struct life *life)
{
    free(life->tree.nodes);
    free(life->tree.order);
    free(life->liabilities);
    secret_done(&life->key);
}

static void build(struct life *life)
{
    assert_int_equal(sum_tree_build(&life->tree, life->liabilities, life->count), STATUS_OK);
}

static void everyone_is_in_the_total(void **state)
{
    (void)state; /* no fixture */
    static const uint64_t counts[] = { 0, 1, 2, 3, 7, 8, 60, 300 };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        for (uint32_t shares = 1; shares <= SUM_SHARES_MAX; shares++) {
            struct life life;
            life_begin(&life, counts[i], shares, 3);
            build(&life);
            struct sum_head head = sum_tree_head(&life.tree);
            assert_true(money_equal(head.root.sum, life.total));
            assert_int_equal(sum_tree_check(&life.tree), STATUS_OK);
            for (uint64_t j = 0; j < life.count; j++) {
                static struct sum_proof proof;
                struct money balance;
                struct error error;
                sum_tree_prove(&life.tree, j, &life.liabilities[j], &proof);
                assert_int_equal(proof.share_count, shares);
                assert_int_equal(
                    sum_verify(&head, life.liabilities[j].account, &proof, &balance, &error),
                    STATUS_OK);
                assert_true(money_equal(balance, life.liabilities[j].balance));
            }
            life_end(&life);
        }
    }
}

/* Two customers with one share each: hashed as the header says. */
static void a_tree_is_as_described(void **state)
{
    (void)state; /* no fixture */
    struct life life;
    life_begin(&life, 2, 1, 5);
    assert_int_equal(life.tree.options.height, 1);
    build(&life);
    static struct sum_proof proof;
    struct digest leaves[2];
    for (uint64_t i = 0; i < 2; i++) {
        sum_tree_prove(&life.tree, i, &life.liabilities[i], &proof);
        const struct digest_part parts[] = {
            { "TPWV", 4 },
            { proof.shares[0].salt.bytes, 16 },
            { &life.liabilities[i].account, 16 },
            { &life.liabilities[i].balance, 16 },
        };
        assert_in_range(proof.shares[0].place, 0, 1);
        leaves[proof.shares[0].place] = digest_of_parts(parts, 4);
    }
    uint64_t left = life.tree.order[0] == 0 ? 0 : 1;
    const struct digest_part parts[] = {
        { "TPWN", 4 },
        { &leaves[0], 32 },
        { &life.liabilities[left].balance, 16 },
        { &leaves[1], 32 },
        { &life.liabilities[1 - left].balance, 16 },
    };
    struct digest root = digest_of_parts(parts, 5);
    assert_true(digest_equal(&root, &life.tree.nodes[1].hash));
    life_end(&life);
}

static void nothing_changed_is_verified(void **state)
{
    (void)state; /* no fixture */
    struct life life;
    life_begin(&life, 20, 3, 6);
    build(&life);
    struct sum_head head = sum_tree_head(&life.tree);
    static struct sum_proof proof;
    struct money balance = money_from_minor(77);
    struct error error;
    struct account_id account = life.liabilities[4].account;
    sum_tree_prove(&life.tree, 4, &life.liabilities[4], &proof);
    for (uint32_t j = 0; j < proof.share_count; j++) {
        struct sum_share *share = &proof.shares[j];
        size_t used = offsetof(struct sum_share, siblings) + head.height * sizeof(struct sum_node);
        uint8_t *bytes = (uint8_t *)share;
        for (size_t i = 0; i < 8 * used; i++) {
            size_t end_of_salt = offsetof(struct sum_share, salt) + sizeof share->salt;
            if (i / 8 >= end_of_salt && i / 8 < offsetof(struct sum_share, amount)) continue;
            bytes[i / 8] ^= (uint8_t)(1 << i % 8);
            assert_int_equal(sum_verify(&head, account, &proof, &balance, &error), STATUS_INVALID);
            bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        }
    }
    for (size_t i = 0; i < 8 * sizeof head.root; i++) {
        uint8_t *bytes = (uint8_t *)&head.root;
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_int_equal(sum_verify(&head, account, &proof, &balance, &error), STATUS_INVALID);
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t i = 0; i < 8 * sizeof account; i++) {
        uint8_t *bytes = (uint8_t *)&account;
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_int_equal(sum_verify(&head, account, &proof, &balance, &error), STATUS_INVALID);
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    for (uint32_t height = 0; height < SUM_HEIGHT_MAX + 4; height++) {
        struct sum_head other = { height, head.root };
        assert_int_equal(sum_verify(&other, account, &proof, &balance, &error),
                         height == head.height ? STATUS_OK : STATUS_INVALID);
        if (height == head.height) balance = money_from_minor(77);
    }
    for (proof.share_count = 0; proof.share_count < SUM_SHARES_MAX + 3; proof.share_count++) {
        enum status status = sum_verify(&head, account, &proof, &balance, &error);
        bool some = proof.share_count > 0 && proof.share_count <= 3;
        assert_int_equal(status, some ? STATUS_OK : STATUS_INVALID);
    }
    life_end(&life);
}

/* A balance that is made to look larger by showing one share twice. */
static void a_share_counts_once(void **state)
{
    (void)state; /* no fixture */
    struct life life;
    life_begin(&life, 5, 2, 6);
    build(&life);
    struct sum_head head = sum_tree_head(&life.tree);
    static struct sum_proof proof;
    struct money balance;
    struct error error;
    sum_tree_prove(&life.tree, 1, &life.liabilities[1], &proof);
    proof.shares[proof.share_count++] = proof.shares[0];
    assert_int_equal(sum_verify(&head, life.liabilities[1].account, &proof, &balance, &error),
                     STATUS_INVALID);
    assert_string_equal(error.message, "share 3 was given before");
    life_end(&life);
}

/*
 * A maker who wants the total to be 1 for a customer's 10: a sibling of "minus 9", which only
 * wraps around to be that. The hashes are right; the sums are not taken modulo anything.
 */
static void a_negative_sum_cannot_hide(void **state)
{
    (void)state; /* no fixture */
    static struct sum_proof proof;
    struct account_id account = { { 1, 2 } };
    struct sum_node sibling = { .sum = { (uint128)0 - 9 } };
    proof = (struct sum_proof){ .share_count = 1 };
    proof.shares[0].amount = money_from_minor(10);
    proof.shares[0].siblings[0] = sibling;
    const struct digest_part leaf_parts[] = {
        { "TPWV", 4 },
        { proof.shares[0].salt.bytes, 16 },
        { &account, 16 },
        { &proof.shares[0].amount, 16 },
    };
    struct digest leaf = digest_of_parts(leaf_parts, 4);
    const struct digest_part parts[] = {
        { "TPWN", 4 },
        { &leaf, 32 },
        { &proof.shares[0].amount, 16 },
        { &sibling, sizeof sibling },
    };
    struct sum_head head = { 1, { digest_of_parts(parts, 4), money_from_minor(1) } };
    struct money balance;
    struct error error;
    assert_int_equal(sum_verify(&head, account, &proof, &balance, &error), STATUS_INVALID);
    assert_string_equal(error.message, "the sums of share 1 pass 128 bits");
    /* The same with a sibling of 9, to see that the hashes above were right. */
    proof.shares[0].siblings[0].sum = sibling.sum = money_from_minor(9);
    head.root = (struct sum_node){ digest_of_parts(parts, 4), money_from_minor(19) };
    assert_int_equal(sum_verify(&head, account, &proof, &balance, &error), STATUS_OK);
    head.root.sum = money_from_minor(1);
    assert_int_equal(sum_verify(&head, account, &proof, &balance, &error), STATUS_INVALID);
}

/* Both with the same balance: what was given to one is no proof for the other. */
static void customers_cannot_share_a_leaf(void **state)
{
    (void)state; /* no fixture */
    struct life life;
    life_begin(&life, 2, 1, 6);
    life.liabilities[0].balance = life.liabilities[1].balance = money_from_minor(500);
    build(&life);
    struct sum_head head = sum_tree_head(&life.tree);
    static struct sum_proof proof;
    struct money balance;
    struct error error;
    sum_tree_prove(&life.tree, 0, &life.liabilities[0], &proof);
    assert_int_equal(sum_verify(&head, life.liabilities[1].account, &proof, &balance, &error),
                     STATUS_INVALID);
    life_end(&life);
}

static void sums_that_do_not_fit_are_refused(void **state)
{
    (void)state; /* no fixture */
    struct life life;
    life_begin(&life, 3, 4, 6);
    life.liabilities[0].balance = (struct money){ MONEY_MAX.minor - 3 };
    life.liabilities[1].balance = money_from_minor(2);
    life.liabilities[2].balance = money_from_minor(1);
    build(&life);
    assert_true(money_equal(life.tree.nodes[1].sum, MONEY_MAX));
    life.liabilities[2].balance = money_from_minor(2);
    assert_int_equal(sum_tree_build(&life.tree, life.liabilities, 3), STATUS_LIMIT);
    life.liabilities[0].balance = MONEY_MAX;
    assert_int_equal(sum_tree_build(&life.tree, life.liabilities, 1), STATUS_OK);
    life_end(&life);
}

static void every_changed_node_is_found(void **state)
{
    (void)state; /* no fixture */
    struct life life;
    life_begin(&life, 6, 2, 6);
    build(&life);
    uint64_t count = UINT64_C(2) << life.tree.options.height;
    uint8_t *bytes = (uint8_t *)life.tree.nodes;
    for (size_t at = sizeof(struct sum_node); at < count * sizeof(struct sum_node); at++) {
        bytes[at] ^= 0x80;
        assert_int_equal(sum_tree_check(&life.tree), STATUS_CORRUPT);
        bytes[at] ^= 0x80;
    }
    assert_int_equal(sum_tree_check(&life.tree), STATUS_OK);
    life_end(&life);
}

/* Each place once; not where they came from; another key puts them elsewhere, the same does not. */
static void places_are_a_shuffle(void **state)
{
    (void)state; /* no fixture */
    struct life life, again, other;
    life_begin(&life, 400, 2, 1);
    life_begin(&again, 400, 2, 1);
    life_begin(&other, 400, 2, 2);
    build(&life);
    build(&again);
    build(&other);
    uint32_t size = UINT32_C(1) << life.tree.options.height;
    uint8_t seen[1024] = { 0 };
    assert_int_equal(size, 1024);
    unsigned same = 0;
    unsigned kept = 0;
    for (uint32_t i = 0; i < size; i++) {
        assert_in_range(life.tree.order[i], 0, size - 1);
        assert_int_equal(seen[life.tree.order[i]]++, 0);
        same += life.tree.order[i] == other.tree.order[i];
        kept += life.tree.order[i] == i;
    }
    assert_in_range(same, 0, 10); /* one is to be expected */
    assert_in_range(kept, 0, 10);
    size_t bytes = 2 * size * sizeof(struct sum_node);
    assert_memory_equal(life.tree.nodes, again.tree.nodes, bytes);
    assert_false(digest_equal(&life.tree.nodes[1].hash, &other.tree.nodes[1].hash));
    life_end(&life);
    life_end(&again);
    life_end(&other);
}

/* A quarter each on average, anything possible; no two alike. */
static void shares_are_random_cuts(void **state)
{
    (void)state; /* no fixture */
    enum { COUNT = 2000, SHARES = 4 };
    struct life life;
    life_begin(&life, COUNT, SHARES, 1);
    for (uint64_t i = 0; i < COUNT; i++) life.liabilities[i].balance = money_from_minor(1000000);
    build(&life);
    uint64_t sums[SHARES] = { 0 };
    unsigned small = 0;
    for (uint64_t i = 0; i < COUNT; i++) {
        static struct sum_proof proof;
        sum_tree_prove(&life.tree, i, &life.liabilities[i], &proof);
        for (uint32_t j = 0; j < SHARES; j++) {
            sums[j] += (uint64_t)proof.shares[j].amount.minor;
            small += proof.shares[j].amount.minor < 20000;
        }
    }
    for (uint32_t j = 0; j < SHARES; j++) assert_in_range(sums[j] / COUNT, 235000, 265000);
    assert_in_range(small, 350, 600); /* 1 - 0.98^3 of 8,000: 470 */
    life_end(&life);
}

static void heights_have_room_for_padding(void **state)
{
    (void)state; /* no fixture */
    assert_int_equal(sum_tree_height(0, 1, 16), 0);
    assert_int_equal(sum_tree_height(1, 1, 16), 0);
    assert_int_equal(sum_tree_height(16, 1, 16), 5); /* 16 leaves would leave none of nothing */
    assert_int_equal(sum_tree_height(16, 1, 17), 4);
    assert_int_equal(sum_tree_height(15, 1, 15), 4);
    assert_int_equal(sum_tree_height(15, 1, 14), 4);
    assert_int_equal(sum_tree_height(15, 1, 7), 5);
    assert_int_equal(sum_tree_height(1000000, 4, 100), 22);
    assert_int_equal(sum_tree_height(1000000, 4, 16), 23);
    assert_int_equal(sum_tree_height((UINT64_C(1) << 28) / 8, 8, UINT32_MAX), SUM_HEIGHT_MAX);
    assert_int_equal(sum_tree_height((UINT64_C(1) << 28) / 8 + 1, 8, UINT32_MAX),
                     SUM_HEIGHT_MAX + 1);
    assert_int_equal(sum_tree_height(UINT64_MAX, 8, 1), SUM_HEIGHT_MAX + 1);
}

static void build_too_many(void *argument)
{
    struct life *life = argument;
    enum status status = sum_tree_build(&life->tree, life->liabilities, life->count);
    (void)status; /* it stops before */
}

static void what_has_no_room_stops_the_program(void **state)
{
    (void)state; /* no fixture */
    struct life life;
    life_begin(&life, 8, 2, 1);
    life.count = 1000;
    assert_true(dies(build_too_many, &life));
    life.count = 8;
    assert_false(dies(build_too_many, &life));
    life.key.size--;
    assert_true(dies(build_too_many, &life));
    life_end(&life);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everyone_is_in_the_total),
        cmocka_unit_test(a_tree_is_as_described),
        cmocka_unit_test(nothing_changed_is_verified),
        cmocka_unit_test(a_share_counts_once),
        cmocka_unit_test(a_negative_sum_cannot_hide),
        cmocka_unit_test(customers_cannot_share_a_leaf),
        cmocka_unit_test(sums_that_do_not_fit_are_refused),
        cmocka_unit_test(every_changed_node_is_found),
        cmocka_unit_test(places_are_a_shuffle),
        cmocka_unit_test(shares_are_random_cuts),
        cmocka_unit_test(heights_have_room_for_padding),
        cmocka_unit_test(what_has_no_room_stops_the_program),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed;
}
