/*
 * Goal: proofs are those of RFC 6962, of every leaf and between every two sizes; they verify,
 * and nothing else does.
 * Method: PATH and SUBPROOF of sections 2.1.1 and 2.1.2 as naive twins, word for word, for all
 * pairs to 130 and random larger ones; the example of section 2.1.3; proofs that
 * transparency-dev/merkle gives as vectors; each hash, bit, index and size changed.
 */
#include "tlog/tree_proof.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/hex.h"
#include "base/prng.h"
#include "tlog/tree_test.h"

static void proof_add(struct tree_proof *proof, struct digest hash)
{
    assert_in_range(proof->count, 0, TREE_PROOF_HASHES_MAX - 1);
    proof->hashes[proof->count++] = hash;
}

/* PATH(m, D[n]) */
static void defined_path(const struct digest *leaves, uint64_t m, uint64_t n,
                         struct tree_proof *proof)
{
    if (n == 1) return;
    uint64_t k = 1;
    while (k * 2 < n) k *= 2;
    if (m < k) {
        defined_path(leaves, m, k, proof);
        proof_add(proof, defined_root(leaves + k, n - k));
    } else {
        defined_path(leaves + k, m - k, n - k, proof);
        proof_add(proof, defined_root(leaves, k));
    }
}

/* SUBPROOF(m, D[n], b) */
static void defined_subproof(const struct digest *leaves, uint64_t m, uint64_t n, bool b,
                             struct tree_proof *proof)
{
    if (m == n) {
        if (!b) proof_add(proof, defined_root(leaves, n));
        return;
    }
    uint64_t k = 1;
    while (k * 2 < n) k *= 2;
    if (m <= k) {
        defined_subproof(leaves, m, k, b, proof);
        proof_add(proof, defined_root(leaves + k, n - k));
    } else {
        defined_subproof(leaves + k, m - k, n - k, false, proof);
        proof_add(proof, defined_root(leaves, k));
    }
}

static void assert_proof(const struct tree_proof *proof, const struct tree_proof *expected)
{
    assert_int_equal(proof->count, expected->count);
    assert_memory_equal(proof->hashes, expected->hashes, proof->count * sizeof proof->hashes[0]);
}

static struct tree_head head_of(struct memory_tree *memory, uint64_t size)
{
    struct tree_head head = { .size = size };
    assert_int_equal(tree_read_root(&memory->reader, size, &head.root), STATUS_OK);
    return head;
}

static void check_inclusion(struct memory_tree *memory, uint64_t index, uint64_t size)
{
    struct tree_proof proof;
    struct tree_proof expected = { 0 };
    struct error error;
    assert_int_equal(tree_prove_inclusion(&memory->reader, index, size, &proof), STATUS_OK);
    defined_path(memory->levels[0], index, size, &expected);
    assert_proof(&proof, &expected);
    struct tree_head head = head_of(memory, size);
    const struct digest *leaf = &memory->levels[0][index];
    assert_int_equal(tree_verify_inclusion(&head, index, leaf, &proof, &error), STATUS_OK);
    if (proof.count == 0) return;
    assert_int_equal(tree_verify_inclusion(&head, index ^ 1, leaf, &proof, &error), STATUS_INVALID);
    proof.hashes[size % proof.count].bytes[index % 32] ^= 1;
    assert_int_equal(tree_verify_inclusion(&head, index, leaf, &proof, &error), STATUS_INVALID);
}

static void check_consistency(struct memory_tree *memory, uint64_t old_size, uint64_t size)
{
    struct tree_proof proof;
    struct tree_proof expected = { 0 };
    struct error error;
    assert_int_equal(tree_prove_consistency(&memory->reader, old_size, size, &proof), STATUS_OK);
    if (old_size > 0) defined_subproof(memory->levels[0], old_size, size, true, &expected);
    assert_proof(&proof, &expected);
    struct tree_head old = head_of(memory, old_size);
    struct tree_head head = head_of(memory, size);
    assert_int_equal(tree_verify_consistency(&old, &head, &proof, &error), STATUS_OK);
    old.root.bytes[size % 32] ^= 1;
    assert_int_equal(tree_verify_consistency(&old, &head, &proof, &error), STATUS_INVALID);
    old.root.bytes[size % 32] ^= 1;
    if (old_size == 0) return; /* then any new tree will do */
    head.root.bytes[old_size % 32] ^= 1;
    assert_int_equal(tree_verify_consistency(&old, &head, &proof, &error), STATUS_INVALID);
    head.root.bytes[old_size % 32] ^= 1;
    if (proof.count == 0) return;
    proof.hashes[size % proof.count].bytes[0] ^= 1;
    assert_int_equal(tree_verify_consistency(&old, &head, &proof, &error), STATUS_INVALID);
}

static void every_small_proof_is_as_defined(void **state)
{
    (void)state; /* no fixture */
    struct memory_tree memory;
    memory_tree_init(&memory, 130, 3);
    for (uint64_t size = 0; size <= 130; size++) {
        for (uint64_t i = 0; i < size; i++) check_inclusion(&memory, i, size);
        for (uint64_t i = 0; i <= size; i++) check_consistency(&memory, i, size);
    }
    memory_tree_done(&memory);
}

static void random_larger_proofs_are_as_defined(void **state)
{
    (void)state; /* no fixture */
    struct prng prng;
    prng_init(&prng, 21);
    struct memory_tree memory;
    memory_tree_init(&memory, 20000, 4);
    for (unsigned i = 0; i < 60; i++) {
        uint64_t size = prng_between(&prng, 1, 20000);
        check_inclusion(&memory, prng_below(&prng, size), size);
        check_consistency(&memory, prng_below(&prng, size + 1), size);
    }
    memory_tree_done(&memory);
}

/* Leaves and proofs as transparency-dev/merkle has them in proof/verify_test.go. */
static const char *const NODES[][8] = {
    { "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
      "07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
      "4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
      "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
      "46f6ffadd3d06a09ff3c5860d2755c8b9819db7df44251788c7d8e3180de8eb1" },
    { "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0" },
    { "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4" },
};
static const char ROOT_5[] = "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4";
static const char ROOT_6[] = "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef";
static const char ROOT_8[] = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328";

static struct digest hash_of(const char *digits)
{
    struct digest hash;
    assert_int_equal(hex_parse(str_from(digits), hash.bytes, sizeof hash.bytes), STATUS_OK);
    return hash;
}

static struct tree_proof proof_of(const char *const *digits, uint32_t count)
{
    struct tree_proof proof = { .count = count };
    for (uint32_t i = 0; i < count; i++) proof.hashes[i] = hash_of(digits[i]);
    return proof;
}

static void published_proofs_verify(void **state)
{
    (void)state; /* no fixture */
    struct error error;
    const struct tree_head head_5 = { 5, hash_of(ROOT_5) };
    const struct tree_head head_6 = { 6, hash_of(ROOT_6) };
    const struct tree_head head_8 = { 8, hash_of(ROOT_8) };
    struct digest leaf = hash_of(NODES[0][0]);
    struct tree_proof proof =
        proof_of((const char *const[]){ NODES[0][1], NODES[1][1], NODES[2][1] }, 3);
    assert_int_equal(tree_verify_inclusion(&head_8, 0, &leaf, &proof, &error), STATUS_OK);
    leaf = hash_of(NODES[0][5]);
    proof = proof_of((const char *const[]){ NODES[0][4], NODES[1][3], NODES[2][0] }, 3);
    assert_int_equal(tree_verify_inclusion(&head_8, 5, &leaf, &proof, &error), STATUS_OK);
    leaf = hash_of(NODES[0][4]);
    proof = proof_of((const char *const[]){ NODES[2][0] }, 1);
    assert_int_equal(tree_verify_inclusion(&head_5, 4, &leaf, &proof, &error), STATUS_OK);
    proof = proof_of((const char *const[]){ NODES[1][2], NODES[1][3], NODES[2][0] }, 3);
    assert_int_equal(tree_verify_consistency(&head_6, &head_8, &proof, &error), STATUS_OK);
    const struct tree_head head_1 = { 1, hash_of(NODES[0][0]) };
    proof = proof_of((const char *const[]){ NODES[0][1], NODES[1][1], NODES[2][1] }, 3);
    assert_int_equal(tree_verify_consistency(&head_1, &head_8, &proof, &error), STATUS_OK);
}

/* RFC 6962, section 2.1.3: seven leaves, and the proofs it lists by the names of its nodes. */
static void example_of_the_standard(void **state)
{
    (void)state; /* no fixture */
    struct memory_tree memory;
    memory_tree_init(&memory, 7, 0);
    const struct digest *leaves = memory.levels[0];
    const struct digest *pairs = memory.levels[1]; /* g, h, i */
    const struct digest k = memory.levels[2][0];
    const struct digest *i = &pairs[2], *h = &pairs[1], *g = &pairs[0], *j = &leaves[6];
    struct digest l = tree_node(i, j);
    const struct {
        uint64_t old_size; /* 0: inclusion of leaf `index` */
        uint64_t index;
        struct tree_proof proof;
    } listed[] = {
        { 0, 0, { 3, { leaves[1], *h, l } } },
        { 0, 3, { 3, { leaves[2], *g, l } } },
        { 0, 4, { 3, { leaves[5], *j, k } } },
        { 0, 6, { 2, { *i, k } } },
        { 3, 0, { 4, { leaves[2], leaves[3], *g, l } } },
        { 4, 0, { 1, { l } } },
        { 6, 0, { 3, { *i, *j, k } } },
    };
    for (size_t at = 0; at < sizeof listed / sizeof listed[0]; at++) {
        struct tree_proof proof;
        uint64_t old = listed[at].old_size;
        enum status status = old == 0
                                 ? tree_prove_inclusion(&memory.reader, listed[at].index, 7, &proof)
                                 : tree_prove_consistency(&memory.reader, old, 7, &proof);
        assert_int_equal(status, STATUS_OK);
        assert_proof(&proof, &listed[at].proof);
    }
    memory_tree_done(&memory);
}

/* Of all index and size pairs, a proof fits its own only. */
static void a_proof_fits_nothing_else(void **state)
{
    (void)state; /* no fixture */
    enum { SIZE = 33 };
    struct memory_tree memory;
    memory_tree_init(&memory, SIZE, 9);
    struct error error;
    for (uint64_t index = 0; index < SIZE; index += 4) {
        struct tree_proof proof;
        struct tree_head head = head_of(&memory, SIZE);
        const struct digest *leaf = &memory.levels[0][index];
        assert_int_equal(tree_prove_inclusion(&memory.reader, index, SIZE, &proof), STATUS_OK);
        for (uint64_t other = 0; other < 70; other++) {
            enum status status = tree_verify_inclusion(&head, other, leaf, &proof, &error);
            assert_int_equal(status, other == index ? STATUS_OK : STATUS_INVALID);
        }
        for (uint32_t count = 0; count <= TREE_PROOF_HASHES_MAX; count++) {
            uint32_t right = proof.count;
            proof.count = count;
            enum status status = tree_verify_inclusion(&head, index, leaf, &proof, &error);
            assert_int_equal(status, count == right ? STATUS_OK : STATUS_INVALID);
            proof.count = right;
        }
    }
    for (uint64_t old_size = 1; old_size < SIZE; old_size++) {
        struct tree_proof proof;
        struct tree_head old = head_of(&memory, old_size);
        struct tree_head head = head_of(&memory, SIZE);
        assert_int_equal(tree_prove_consistency(&memory.reader, old_size, SIZE, &proof), STATUS_OK);
        for (old.size = 0; old.size < 70; old.size++) {
            enum status status = tree_verify_consistency(&old, &head, &proof, &error);
            assert_int_equal(status, old.size == old_size ? STATUS_OK : STATUS_INVALID);
        }
        old.size = old_size;
        for (uint32_t count = 0; count <= TREE_PROOF_HASHES_MAX; count++) {
            uint32_t right = proof.count;
            proof.count = count;
            enum status status = tree_verify_consistency(&old, &head, &proof, &error);
            assert_int_equal(status, count == right ? STATUS_OK : STATUS_INVALID);
            proof.count = right;
        }
    }
    memory_tree_done(&memory);
}

/* Where nothing is to be proven, hashes prove nothing more. */
static void an_empty_proof_is_empty(void **state)
{
    (void)state; /* no fixture */
    struct memory_tree memory;
    memory_tree_init(&memory, 9, 0);
    static const uint64_t sizes[][2] = { { 0, 0 }, { 0, 9 }, { 9, 9 } };
    for (size_t i = 0; i < 3; i++) {
        struct tree_head old = head_of(&memory, sizes[i][0]);
        struct tree_head head = head_of(&memory, sizes[i][1]);
        struct tree_proof proof = { 0 };
        struct error error;
        assert_int_equal(tree_verify_consistency(&old, &head, &proof, &error), STATUS_OK);
        proof.count = 1;
        assert_int_equal(tree_verify_consistency(&old, &head, &proof, &error), STATUS_INVALID);
    }
    /* An empty tree has one root. */
    struct tree_head empty = head_of(&memory, 0);
    struct tree_head wrong = { 0, { { 1 } } };
    const struct tree_proof proof = { 0 };
    struct error error;
    assert_int_equal(tree_verify_consistency(&empty, &wrong, &proof, &error), STATUS_INVALID);
    memory_tree_done(&memory);
}

/* Two histories that share a beginning: neither continues what the other one added. */
static void a_fork_is_seen(void **state)
{
    (void)state; /* no fixture */
    struct tree one, two;
    tree_init(&one);
    tree_init(&two);
    struct tree_head heads[2][40];
    for (uint64_t i = 0; i < 40; i++) {
        struct digest same = memory_leaf(i, 0);
        struct digest other = memory_leaf(i, i < 20 ? 0 : 1000);
        tree_append(&one, &same);
        tree_append(&two, &other);
        heads[0][i] = (struct tree_head){ i + 1, tree_root(&one) };
        heads[1][i] = (struct tree_head){ i + 1, tree_root(&two) };
    }
    struct memory_tree memory;
    memory_tree_init(&memory, 40, 0);
    for (uint64_t size = 1; size <= 40; size++) {
        struct tree_proof proof;
        struct error error;
        assert_int_equal(tree_prove_consistency(&memory.reader, size, 40, &proof), STATUS_OK);
        enum status status =
            tree_verify_consistency(&heads[1][size - 1], &heads[0][39], &proof, &error);
        assert_int_equal(status, size <= 20 ? STATUS_OK : STATUS_INVALID);
        if (size == 40) {
            assert_string_equal(error.message, "two trees of one size have different roots");
        }
    }
    memory_tree_done(&memory);
}

static void impossible_questions_are_refused(void **state)
{
    (void)state; /* no fixture */
    struct memory_tree memory;
    memory_tree_init(&memory, 9, 0);
    struct tree_proof proof = { .count = 55 };
    struct tree_reader *reader = &memory.reader;
    assert_int_equal(tree_prove_inclusion(reader, 9, 9, &proof), STATUS_INVALID);
    assert_int_equal(tree_prove_inclusion(reader, 0, 0, &proof), STATUS_INVALID);
    assert_int_equal(tree_prove_inclusion(reader, 0, UINT64_MAX, &proof), STATUS_INVALID);
    assert_int_equal(tree_prove_consistency(reader, 10, 9, &proof), STATUS_INVALID);
    assert_int_equal(tree_prove_consistency(reader, 1, UINT64_MAX, &proof), STATUS_INVALID);
    for (memory.reads_max = 0; memory.reads_max < 4; memory.reads_max++) {
        memory.reads = 0;
        assert_int_equal(tree_prove_inclusion(reader, 3, 9, &proof), STATUS_UNAVAILABLE);
        memory.reads = 0;
        assert_int_equal(tree_prove_consistency(reader, 3, 8, &proof), STATUS_UNAVAILABLE);
    }
    assert_int_equal(proof.count, 55);
    memory_tree_done(&memory);
}

/* The longest proofs there can be: read() answers the same hash for all. */
static enum status same_hash(struct tree_reader *reader, struct tree_place place,
                             struct digest *out_hash)
{
    (void)reader;
    (void)place;
    *out_hash = (struct digest){ { 1 } };
    return STATUS_OK;
}

static void the_longest_proofs_have_room(void **state)
{
    (void)state; /* no fixture */
    struct tree_reader reader = { same_hash };
    struct tree_proof proof;
    struct tree_head head = { .size = TREE_SIZE_MAX };
    struct error error;
    const struct digest leaf = { { 1 } };
    assert_int_equal(tree_read_root(&reader, head.size, &head.root), STATUS_OK);
    assert_int_equal(tree_prove_inclusion(&reader, 0, TREE_SIZE_MAX, &proof), STATUS_OK);
    assert_int_equal(proof.count, 63);
    assert_int_equal(tree_prove_consistency(&reader, 1, TREE_SIZE_MAX, &proof), STATUS_OK);
    assert_int_equal(proof.count, 63);
    assert_int_equal(
        tree_prove_consistency(&reader, (UINT64_C(1) << 62) - 1, TREE_SIZE_MAX, &proof), STATUS_OK);
    assert_int_equal(proof.count, 64);
    /* The tree's size is from outside and may be anything. */
    head.size = UINT64_MAX;
    assert_int_equal(tree_verify_inclusion(&head, 1, &leaf, &proof, &error), STATUS_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_small_proof_is_as_defined),
        cmocka_unit_test(random_larger_proofs_are_as_defined),
        cmocka_unit_test(published_proofs_verify),
        cmocka_unit_test(example_of_the_standard),
        cmocka_unit_test(a_proof_fits_nothing_else),
        cmocka_unit_test(an_empty_proof_is_empty),
        cmocka_unit_test(a_fork_is_seen),
        cmocka_unit_test(impossible_questions_are_refused),
        cmocka_unit_test(the_longest_proofs_have_room),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed;
}
