/*
 * Goal: hashes and roots are those of RFC 6962, whatever the size and however the tree came to
 * it: grown, read from subtrees, or read and grown on.
 * Method: the reference leaves and roots of Certificate Transparency (its C++ implementation's
 * merkletree tests, in transparency-dev/merkle as testonly/constants.go); the definition of
 * section 2.1 as a naive twin for all sizes to 600 and random larger ones; every read refused.
 */
#include "tlog/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/check_test.h"
#include "base/hex.h"
#include "base/prng.h"
#include "tlog/tree_test.h"

static const struct {
    const char *leaf;
    const char *root; /* of the tree that ends with it */
} REFERENCE[] = {
    { "", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d" },
    { "00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125" },
    { "10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77" },
    { "2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7" },
    { "3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4" },
    { "40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef" },
    { "5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c" },
    { "606162636465666768696a6b6c6d6e6f",
      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328" },
};

static void assert_hash(const struct digest *hash, const char *expected)
{
    char digits[65];
    (void)hex_format(hash->bytes, sizeof hash->bytes, digits); /* compared as text */
    assert_string_equal(digits, expected);
}

static void reference_leaves_give_the_reference_roots(void **state)
{
    (void)state; /* no fixture */
    struct tree tree;
    tree_init(&tree);
    struct digest root = tree_root(&tree);
    assert_hash(&root, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (size_t i = 0; i < sizeof REFERENCE / sizeof REFERENCE[0]; i++) {
        uint8_t entry[16];
        size_t size = strlen(REFERENCE[i].leaf) / 2;
        assert_int_equal(hex_parse(str_from(REFERENCE[i].leaf), entry, size), STATUS_OK);
        struct digest leaf = tree_leaf(entry, size);
        if (i == 3) {
            assert_hash(&leaf, "07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7");
        }
        tree_append(&tree, &leaf);
        root = tree_root(&tree);
        assert_hash(&root, REFERENCE[i].root);
    }
}

static void leaf_and_node_are_told_apart(void **state)
{
    (void)state; /* no fixture */
    struct digest both[2] = { digest_of("a", 1), digest_of("b", 1) };
    struct digest node = tree_node(&both[0], &both[1]);
    struct digest leaf = tree_leaf(both, sizeof both);
    struct digest swapped = tree_node(&both[1], &both[0]);
    assert_false(digest_equal(&node, &leaf));
    assert_false(digest_equal(&node, &swapped));
}

/* Also that what is said to be finished is there: the newest whole subtree of each level. */
static void grown_as_defined(void **state)
{
    (void)state; /* no fixture */
    enum { SIZE = 600 };
    struct memory_tree memory;
    memory_tree_init(&memory, SIZE, 0);
    struct tree tree;
    tree_init(&tree);
    for (uint64_t size = 1; size <= SIZE; size++) {
        tree_append(&tree, &memory.levels[0][size - 1]);
        assert_int_equal(tree.size, size);
        struct digest root = tree_root(&tree);
        struct digest expected = defined_root(memory.levels[0], size);
        assert_true(digest_equal(&root, &expected));
        for (unsigned level = 0; size % (UINT64_C(1) << level) == 0; level++) {
            const struct digest *whole = &memory.levels[level][(size >> level) - 1];
            assert_true(digest_equal(&tree.newest[level], whole));
        }
    }
    memory_tree_done(&memory);
}

static void read_as_grown_and_grown_on(void **state)
{
    (void)state; /* no fixture */
    enum { SIZE = 5000 };
    struct memory_tree memory;
    memory_tree_init(&memory, SIZE, 7);
    struct tree grown;
    tree_init(&grown);
    for (uint64_t size = 0; size <= SIZE; size++) {
        if (size > 0) tree_append(&grown, &memory.levels[0][size - 1]);
        if (size > 300 && size % 97 != 0) continue;
        struct digest root;
        struct digest expected = tree_root(&grown);
        assert_int_equal(tree_read_root(&memory.reader, size, &root), STATUS_OK);
        assert_true(digest_equal(&root, &expected));
        struct tree tree;
        assert_int_equal(tree_read(&memory.reader, size, &tree), STATUS_OK);
        for (uint64_t i = size; i < SIZE && i < size + 300; i++) {
            tree_append(&tree, &memory.levels[0][i]);
        }
        root = tree_root(&tree);
        expected = defined_root(memory.levels[0], tree.size);
        assert_true(digest_equal(&root, &expected));
    }
    memory_tree_done(&memory);
}

static void ranges_as_defined(void **state)
{
    (void)state; /* no fixture */
    enum { SIZE = 520 };
    struct memory_tree memory;
    memory_tree_init(&memory, SIZE, 1);
    for (uint64_t first = 0; first < SIZE; first++) {
        uint64_t most = first == 0 ? SIZE : first & -first;
        for (uint64_t end = first + 1; end <= SIZE && end - first <= most; end++) {
            struct digest hash;
            assert_int_equal(tree_read_range(&memory.reader, first, end, &hash), STATUS_OK);
            struct digest expected = defined_root(memory.levels[0] + first, end - first);
            assert_true(digest_equal(&hash, &expected));
        }
    }
    memory_tree_done(&memory);
}

static void a_failing_read_is_passed_on(void **state)
{
    (void)state; /* no fixture */
    struct memory_tree memory;
    memory_tree_init(&memory, 1023, 0);
    for (uint64_t fail = 0; fail < 10; fail++) {
        struct tree tree = { .size = 77 };
        struct digest hash = { { 5 } };
        memory.reads = 0;
        memory.reads_max = fail;
        assert_int_equal(tree_read(&memory.reader, 1023, &tree), STATUS_UNAVAILABLE);
        assert_int_equal(tree.size, 77);
        memory.reads = 0;
        assert_int_equal(tree_read_range(&memory.reader, 0, 1023, &hash), STATUS_UNAVAILABLE);
        memory.reads = 0;
        assert_int_equal(tree_read_root(&memory.reader, 1023, &hash), STATUS_UNAVAILABLE);
        assert_int_equal(hash.bytes[0], 5);
    }
    memory_tree_done(&memory);
}

static void append_to_full(void *argument)
{
    struct tree *tree = argument;
    tree_append(tree, &tree->newest[0]);
}

static void the_largest_tree_takes_no_more(void **state)
{
    (void)state;
    static struct tree tree = { .size = TREE_SIZE_MAX - 1 };
    assert_false(dies(append_to_full, &tree));
    tree.size = TREE_SIZE_MAX;
    assert_true(dies(append_to_full, &tree));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_leaves_give_the_reference_roots),
        cmocka_unit_test(leaf_and_node_are_told_apart),
        cmocka_unit_test(grown_as_defined),
        cmocka_unit_test(read_as_grown_and_grown_on),
        cmocka_unit_test(ranges_as_defined),
        cmocka_unit_test(a_failing_read_is_passed_on),
        cmocka_unit_test(the_largest_tree_takes_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
