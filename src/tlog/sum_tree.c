#include "tlog/sum_tree.h"

#include <string.h>

#include "base/check.h"

/* ---- Hashes ---- */

static struct digest leaf_hash(const struct sum_salt *salt, struct account_id account,
                               struct money amount)
{
    struct __attribute__((packed)) {
        char tag[4];
        struct sum_salt salt;
        struct account_id account;
        struct money amount;
    } message = { { 'T', 'P', 'W', 'V' }, *salt, account, amount };
    _Static_assert(sizeof message == 52, "hashed as it is, in one block");
    return digest_of(&message, sizeof message);
}

/* False when the sum passes 128 bits. */
static bool node_make(const struct sum_node *left, const struct sum_node *right,
                      struct sum_node *out_node)
{
    struct __attribute__((packed)) {
        char tag[4];
        struct sum_node left;
        struct sum_node right;
    } message = { { 'T', 'P', 'W', 'N' }, *left, *right };
    _Static_assert(sizeof message == 100, "hashed as it is");
    struct sum_node node;
    if (!money_add(left->sum, right->sum, &node.sum)) return false;
    node.hash = digest_of(&message, sizeof message);
    *out_node = node;
    return true;
}

/* ---- Chance, out of the key ---- */

/* One block of SHA-256; everything has a fixed size, so the key in front makes it a PRF. */
static struct digest chance(const struct secret *key, char purpose, struct uuid of, uint32_t number)
{
    struct __attribute__((packed)) {
        char tag[3];
        char purpose;
        uint8_t key[SUM_KEY_SIZE];
        struct uuid of;
        uint16_t number;
    } message = { .tag = { 'T', 'P', 'W' }, .purpose = purpose, .of = of };
    _Static_assert(sizeof message == 54, "hashed as it is, in one block");
    memcpy(message.key, key->bytes, sizeof message.key);
    message.number = (uint16_t)number;
    struct digest digest = digest_of(&message, sizeof message);
    secret_wipe(&message, sizeof message);
    return digest;
}

struct draft {
    struct sum_salt salts[SUM_SHARES_MAX];
    struct money amounts[SUM_SHARES_MAX];
};

static uint128 random_up_to(const uint8_t bytes[16], uint128 most)
{
    uint128 random;
    memcpy(&random, bytes, sizeof random);
    return most == MONEY_MAX.minor ? random : random % (most + 1);
}

/* Cut at random places: every way to cut is as likely as another. */
static void cut(const struct sum_options *options, const struct sum_liability *liability,
                struct draft *draft)
{
    uint128 cuts[SUM_SHARES_MAX];
    uint32_t last = options->shares - 1;
    for (uint32_t i = 0; i < options->shares; i++) {
        struct digest digest = chance(options->key, 'R', liability->account.value, i);
        memcpy(draft->salts[i].bytes, digest.bytes, sizeof draft->salts[i]);
        uint128 place = i == last ? liability->balance.minor
                                  : random_up_to(digest.bytes + 16, liability->balance.minor);
        uint32_t at = i;
        for (; at > 0 && cuts[at - 1] > place; at--) cuts[at] = cuts[at - 1];
        cuts[at] = place;
    }
    for (uint32_t i = 0; i < options->shares; i++) {
        draft->amounts[i] = (struct money){ cuts[i] - (i == 0 ? 0 : cuts[i - 1]) };
    }
}

/* Fisher and Yates: every order is as likely as another, but for less than one in 2^36. */
static void shuffle(struct sum_tree *tree)
{
    uint64_t size = UINT64_C(1) << tree->options.height;
    uint64_t randoms[4];
    for (uint64_t i = 0; i < size; i++) {
        if (i % 4 == 0) {
            struct uuid block = { .lo = i / 4 };
            struct digest digest = chance(tree->options.key, 'O', block, 0);
            memcpy(randoms, digest.bytes, sizeof randoms);
        }
        uint64_t with = (uint64_t)((uint128)randoms[i % 4] * (i + 1) >> 64);
        tree->order[i] = tree->order[with];
        tree->order[with] = (uint32_t)i;
    }
}

/* ---- Making ---- */

uint32_t sum_tree_height(uint64_t count, uint32_t shares, uint32_t padding_share)
{
    CHECK(shares > 0 && shares <= SUM_SHARES_MAX);
    CHECK(padding_share > 0);
    for (uint32_t height = 0; height <= SUM_HEIGHT_MAX; height++) {
        uint64_t leaves = UINT64_C(1) << height;
        if (count > leaves / shares) continue;
        uint64_t used = count * shares;
        if (leaves - used >= used / padding_share) return height;
    }
    return SUM_HEIGHT_MAX + 1;
}

static struct sum_node *leaf_at(const struct sum_tree *tree, uint64_t number)
{
    return &tree->nodes[(UINT64_C(1) << tree->options.height) + tree->order[number]];
}

static void place_shares(struct sum_tree *tree, const struct sum_liability *liabilities)
{
    uint32_t shares = tree->options.shares;
    for (uint64_t i = 0; i < tree->count; i++) {
        struct draft draft;
        cut(&tree->options, &liabilities[i], &draft);
        for (uint32_t j = 0; j < shares; j++) {
            *leaf_at(tree, i * shares + j) = (struct sum_node){
                .hash = leaf_hash(&draft.salts[j], liabilities[i].account, draft.amounts[j]),
                .sum = draft.amounts[j],
            };
        }
    }
}

static void place_padding(struct sum_tree *tree)
{
    uint64_t size = UINT64_C(1) << tree->options.height;
    for (uint64_t i = tree->count * tree->options.shares; i < size; i++) {
        struct uuid number = { .lo = i };
        struct sum_salt salt;
        struct digest digest = chance(tree->options.key, 'P', number, 0);
        memcpy(salt.bytes, digest.bytes, sizeof salt.bytes);
        *leaf_at(tree, i) = (struct sum_node){
            .hash = leaf_hash(&salt, (struct account_id){ { 0, 0 } }, MONEY_ZERO),
            .sum = MONEY_ZERO,
        };
    }
}

enum status sum_tree_build(struct sum_tree *tree, const struct sum_liability *liabilities,
                           uint64_t count)
{
    const struct sum_options *options = &tree->options;
    CHECK(options->height <= SUM_HEIGHT_MAX);
    CHECK(options->shares > 0 && options->shares <= SUM_SHARES_MAX);
    CHECK(options->key->size == SUM_KEY_SIZE);
    CHECK(count <= (UINT64_C(1) << options->height) / options->shares);
    tree->count = count;
    shuffle(tree);
    place_shares(tree, liabilities);
    place_padding(tree);
    for (uint64_t i = (UINT64_C(1) << options->height) - 1; i > 0; i--) {
        const struct sum_node *children = &tree->nodes[2 * i];
        if (!node_make(&children[0], &children[1], &tree->nodes[i])) return STATUS_LIMIT;
    }
    return STATUS_OK;
}

struct sum_head sum_tree_head(const struct sum_tree *tree)
{
    return (struct sum_head){ tree->options.height, tree->nodes[1] };
}

enum status sum_tree_check(const struct sum_tree *tree)
{
    for (uint64_t i = 1; i < UINT64_C(1) << tree->options.height; i++) {
        const struct sum_node *children = &tree->nodes[2 * i];
        const struct sum_node *node = &tree->nodes[i];
        struct sum_node expected;
        if (!node_make(&children[0], &children[1], &expected)) return STATUS_CORRUPT;
        if (!digest_equal(&expected.hash, &node->hash)) return STATUS_CORRUPT;
        if (!money_equal(expected.sum, node->sum)) return STATUS_CORRUPT;
    }
    return STATUS_OK;
}

void sum_tree_prove(const struct sum_tree *tree, uint64_t index,
                    const struct sum_liability *liability, struct sum_proof *out_proof)
{
    CHECK(index < tree->count);
    uint32_t height = tree->options.height;
    struct draft draft;
    cut(&tree->options, liability, &draft);
    *out_proof = (struct sum_proof){ .share_count = tree->options.shares };
    for (uint32_t j = 0; j < tree->options.shares; j++) {
        struct sum_share *share = &out_proof->shares[j];
        share->place = tree->order[index * tree->options.shares + j];
        share->salt = draft.salts[j];
        share->amount = draft.amounts[j];
        uint64_t at = (UINT64_C(1) << height) + share->place;
        struct digest hash = leaf_hash(&share->salt, liability->account, share->amount);
        CHECK(digest_equal(&hash, &tree->nodes[at].hash));
        for (uint32_t level = 0; level < height; level++, at /= 2) {
            share->siblings[level] = tree->nodes[at ^ 1];
        }
    }
}

/* ---- Verifying ---- */

/* The root that a share leads to. False when a sum passes 128 bits. */
static bool climb(const struct sum_head *head, struct account_id account,
                  const struct sum_share *share, struct sum_node *out_root)
{
    struct sum_node node = {
        .hash = leaf_hash(&share->salt, account, share->amount),
        .sum = share->amount,
    };
    for (uint32_t level = 0; level < head->height; level++) {
        const struct sum_node *sibling = &share->siblings[level];
        bool on_right = (share->place >> level & 1) != 0;
        const struct sum_node *left = on_right ? sibling : &node;
        const struct sum_node *right = on_right ? &node : sibling;
        if (!node_make(left, right, &node)) return false;
    }
    *out_root = node;
    return true;
}

static bool is_given_twice(const struct sum_proof *proof, uint32_t share)
{
    for (uint32_t i = 0; i < share; i++) {
        if (proof->shares[i].place == proof->shares[share].place) return true;
    }
    return false;
}

enum status sum_verify(const struct sum_head *head, struct account_id account,
                       const struct sum_proof *proof, struct money *out_balance,
                       struct error *out_error)
{
    struct money balance = MONEY_ZERO;
    if (head->height > SUM_HEIGHT_MAX) {
        return error_set(out_error, STATUS_INVALID, "the tree is higher than any");
    }
    if (proof->share_count == 0 || proof->share_count > SUM_SHARES_MAX) {
        return error_set(out_error, STATUS_INVALID, "a proof has 1 to %d shares", SUM_SHARES_MAX);
    }
    for (uint32_t i = 0; i < proof->share_count; i++) {
        const struct sum_share *share = &proof->shares[i];
        struct sum_node root;
        if (share->place >> head->height != 0) {
            return error_set(out_error, STATUS_INVALID, "share %u is outside of the tree", i + 1);
        }
        if (is_given_twice(proof, i)) {
            return error_set(out_error, STATUS_INVALID, "share %u was given before", i + 1);
        }
        if (!climb(head, account, share, &root) || !money_add(balance, share->amount, &balance)) {
            return error_set(out_error, STATUS_INVALID, "the sums of share %u pass 128 bits",
                             i + 1);
        }
        if (!digest_equal(&root.hash, &head->root.hash) || !money_equal(root.sum, head->root.sum)) {
            return error_set(out_error, STATUS_INVALID, "share %u leads to another root", i + 1);
        }
    }
    *out_balance = balance;
    return STATUS_OK;
}
