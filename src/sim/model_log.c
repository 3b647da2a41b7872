#include "sim/model_log.h"

#include <stdlib.h>

#include "base/check.h"

void model_log_init(struct model_log *model, const struct secret *key)
{
    *model = (struct model_log){ .key = key };
}

void model_log_done(struct model_log *model)
{
    for (unsigned i = 0; i < TREE_LEVELS; i++) free(model->hashes[i]);
    free(model->batch_leaves);
}

/* Doubles an array when it is full: at powers of two. */
static void *room_make(void *array, uint64_t count, size_t item_size)
{
    if (count != 0 && (count < 64 || (count & (count - 1)) != 0)) return array;
    void *grown = realloc(array, (count < 64 ? 64 : 2 * count) * item_size);
    CHECK(grown != NULL);
    return grown;
}

static void subtree_add(struct model_log *model, unsigned level, struct digest hash)
{
    CHECK(level < TREE_LEVELS);
    uint64_t count = model->counts[level];
    struct digest *hashes = room_make(model->hashes[level], count, sizeof *hashes);
    model->hashes[level] = hashes;
    hashes[count] = hash;
    model->counts[level] = count + 1;
    if (count % 2 == 0) return;
    struct digest parent = tree_node(&hashes[count - 1], &hashes[count]);
    subtree_add(model, level + 1, parent);
}

static void leaf_end(struct model_log *model)
{
    struct str entry = leaf_bytes(&model->leaf);
    subtree_add(model, 0, tree_leaf(entry.data, entry.len));
}

void model_log_batch(struct model_log *model, const struct sim_batch *batch)
{
    const uint8_t *data = batch->data;
    const struct batch_header *header = batch->data;
    int64_t unit = -1;
    for (size_t at = sizeof *header; at < batch->size;) {
        const struct record_head *record = (const struct record_head *)(data + at);
        at += record->size;
        if (record->type == RECORD_CONTEXT) continue;
        if (record->unit != unit) {
            if (unit >= 0) leaf_end(model);
            unit = record->unit;
            const struct leaf_head head = { .lane = header->lane,
                                            .unit = record->unit,
                                            .batch = header->sequence,
                                            .stamp = header->stamp };
            leaf_begin(&model->leaf, &head);
            leaf_add(&model->leaf, model->key,
                     (const struct record_head *)(data + record->context));
        }
        leaf_add(&model->leaf, model->key, record);
    }
    if (unit >= 0) leaf_end(model);
    uint64_t count = model->batch_count;
    model->batch_leaves = room_make(model->batch_leaves, count, sizeof *model->batch_leaves);
    model->batch_leaves[count] = model_log_size(model);
    model->batch_count = count + 1;
}

uint64_t model_log_size_at(const struct model_log *model, uint64_t sequence)
{
    CHECK(sequence <= model->batch_count);
    return sequence == 0 ? 0 : model->batch_leaves[sequence - 1];
}

/* MTH of leaves [first, first + count); subtrees that are whole are known. */
static struct digest range_root(struct model_log *model, uint64_t first, uint64_t count)
{
    unsigned level = 0;
    uint64_t half = 1;
    while (half * 2 < count) half *= 2;
    if (half * 2 == count || count == 1) {
        while (UINT64_C(1) << level < count) level++;
        return model->hashes[level][first >> level];
    }
    struct digest left = range_root(model, first, half);
    struct digest right = range_root(model, first + half, count - half);
    return tree_node(&left, &right);
}

struct digest model_log_root(struct model_log *model, uint64_t size)
{
    CHECK(size <= model_log_size(model));
    return size == 0 ? tree_empty_root() : range_root(model, 0, size);
}
