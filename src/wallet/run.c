/* A key's filter block and bits come from one stored-stable hash of its sixteen bytes. */
#include "wallet/run.h"

#include <string.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/reserve.h"

enum { FILTER_BLOCK_WORDS = 8, SUMMARY_MAGIC = 0x4E555254 };

struct summary_head {
    uint32_t magic;
    uint32_t chunks;
    uint64_t entries;
    uint64_t filter_blocks;
    uint64_t check; /* hash of the whole with this field zero */
    struct uuid key_min;
    struct uuid key_max;
};
_Static_assert(sizeof(struct summary_head) == 64, "stored as it is");

static size_t summary_size(uint64_t chunks, uint64_t blocks)
{
    return sizeof(struct summary_head) + chunks * sizeof(struct uuid) +
           blocks * FILTER_BLOCK_WORDS * sizeof(uint32_t);
}

static uint64_t blocks_for(uint64_t entries)
{
    uint64_t block_bits = FILTER_BLOCK_WORDS * 32;
    return entries * RUN_FILTER_BITS / block_bits + 1;
}

static uint64_t chunks_for(uint64_t entries)
{
    return (entries + RUN_CHUNK_ENTRIES - 1) / RUN_CHUNK_ENTRIES;
}

void run_free(struct run *run)
{
    if (run == NULL) return;
    buf_free(&run->summary);
    reserve_free(run, sizeof *run);
}

/* Points fences and filter into the summary. */
static void run_attach(struct run *run, uint64_t chunks, uint64_t blocks)
{
    uint8_t *fences = run->summary.data + sizeof(struct summary_head);
    run->fences = (const struct uuid *)fences;
    run->filter = (uint32_t *)(fences + chunks * sizeof(struct uuid));
    run->filter_blocks = blocks;
}

struct key_bits {
    uint64_t block;
    uint32_t masks[FILTER_BLOCK_WORDS];
};

static struct key_bits key_bits_of(struct uuid key, uint64_t blocks)
{
    static const uint32_t salts[FILTER_BLOCK_WORDS] = {
        0x47B6137B, 0x44974D91, 0x8824AD5B, 0xA2B7289D,
        0x705495C7, 0x2DF1424B, 0x9EFC4947, 0x5C6BFB31,
    };
    uint64_t hash = hash_bytes(&key, sizeof key);
    struct key_bits bits = { .block = (uint64_t)(((unsigned __int128)hash * blocks) >> 64) };
    uint32_t low = (uint32_t)hash;
    for (int i = 0; i < FILTER_BLOCK_WORDS; i++)
        bits.masks[i] = UINT32_C(1) << (low * salts[i] >> 27);
    return bits;
}

bool run_may_hold(const struct run *run, struct uuid key)
{
    if (!run_covers(run, key)) return false;
    struct key_bits bits = key_bits_of(key, run->filter_blocks);
    const uint32_t *block = run->filter + bits.block * FILTER_BLOCK_WORDS;
    for (int i = 0; i < FILTER_BLOCK_WORDS; i++) {
        if ((block[i] & bits.masks[i]) == 0) return false;
    }
    return true;
}

static void filter_add(struct run *run, struct uuid key)
{
    struct key_bits bits = key_bits_of(key, run->filter_blocks);
    uint32_t *block = run->filter + bits.block * FILTER_BLOCK_WORDS;
    for (int i = 0; i < FILTER_BLOCK_WORDS; i++) block[i] |= bits.masks[i];
}

/* The head counts too: with a wrong least or greatest key, keys that are there are not found. */
static uint64_t summary_check(struct summary_head head, const struct buf *summary)
{
    head.check = 0;
    uint64_t rest = hash_bytes(summary->data + sizeof head, summary->len - sizeof head);
    return hash_fold(hash_bytes(&head, sizeof head), rest);
}

static bool summary_whole(const struct run *run)
{
    struct summary_head head;
    if (run->summary.len < sizeof head) return false;
    memcpy(&head, run->summary.data, sizeof head);
    return head.magic == SUMMARY_MAGIC && head.entries == run->info.entries &&
           head.chunks == run->info.chunks && head.entries <= RUN_ENTRIES_MAX &&
           head.chunks == chunks_for(head.entries) &&
           head.filter_blocks == blocks_for(head.entries) &&
           run->summary.len == summary_size(head.chunks, head.filter_blocks) &&
           head.check == summary_check(head, &run->summary);
}

enum status run_load(struct run_store *store, const struct run_info *info, struct run **out_run,
                     struct error *out_error)
{
    struct run *run = reserve_new(sizeof *run);
    if (run == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for a run");
    run->info = *info;
    buf_init(&run->summary, summary_size(chunks_for(RUN_ENTRIES_MAX), blocks_for(RUN_ENTRIES_MAX)));
    enum status status = store->summary_read(store, info->id, &run->summary, out_error);
    if (status == STATUS_OK && !summary_whole(run)) {
        status = error_set(out_error, STATUS_CORRUPT, "the summary of index run %llu is damaged",
                           (unsigned long long)info->id);
    }
    if (status != STATUS_OK) {
        run_free(run);
        return status;
    }
    struct summary_head head;
    memcpy(&head, run->summary.data, sizeof head);
    run->key_min = head.key_min;
    run->key_max = head.key_max;
    run_attach(run, head.chunks, head.filter_blocks);
    *out_run = run;
    return STATUS_OK;
}

static enum status chunk_load(const struct run *run, struct run_store *store, uint32_t number,
                              struct buf *chunk, struct error *out_error)
{
    buf_reset(chunk);
    enum status status = store->chunk_read(store, run->info.id, number, chunk, out_error);
    if (status != STATUS_OK) return status;
    uint64_t rest = run->info.entries - (uint64_t)number * RUN_CHUNK_ENTRIES;
    uint64_t count = rest < RUN_CHUNK_ENTRIES ? rest : RUN_CHUNK_ENTRIES;
    if (chunk->len != count * sizeof(struct index_entry)) {
        return error_set(out_error, STATUS_CORRUPT, "chunk %u of index run %llu is damaged", number,
                         (unsigned long long)run->info.id);
    }
    return STATUS_OK;
}

/* The last chunk whose first key is below the key: where its first entry can be. */
static uint32_t first_chunk(const struct run *run, struct uuid key)
{
    uint32_t low = 0;
    uint32_t high = run->info.chunks;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (uuid_compare(run->fences[middle], key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == 0 ? 0 : low - 1;
}

/* The first entry of a chunk that is above (key, after). */
static uint32_t first_entry(const struct index_entry *entries, uint32_t count,
                            const struct index_query *query)
{
    if (query->after.packed == UINT64_MAX) return count;
    struct index_entry wanted = { query->key, { query->after.packed + 1 } };
    uint32_t low = 0;
    uint32_t high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (index_entry_compare(&entries[middle], &wanted) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

enum status run_find(const struct run *run, struct run_store *store,
                     const struct index_query *query, struct buf *chunk, uint32_t *out_found,
                     struct error *out_error)
{
    *out_found = 0;
    if (!run_may_hold(run, query->key)) return STATUS_OK;
    for (uint32_t number = first_chunk(run, query->key); number < run->info.chunks; number++) {
        if (uuid_compare(run->fences[number], query->key) > 0) return STATUS_OK;
        enum status status = chunk_load(run, store, number, chunk, out_error);
        if (status != STATUS_OK) return status;
        const struct index_entry *entries = (const struct index_entry *)chunk->data;
        uint32_t count = (uint32_t)(chunk->len / sizeof *entries);
        for (uint32_t at = first_entry(entries, count, query); at < count; at++) {
            if (!uuid_equal(entries[at].key, query->key)) return STATUS_OK;
            if (*out_found == query->limit) return STATUS_OK;
            query->out_locators[(*out_found)++] = entries[at].locator;
        }
    }
    return STATUS_OK;
}

enum status run_writer_new(struct run_store *store, const struct run_info *info,
                           uint64_t entries_max, struct run_writer *out_writer)
{
    CHECK(entries_max > 0 && entries_max <= RUN_ENTRIES_MAX);
    struct run_writer writer = { .store = store, .entries_max = entries_max };
    writer.run = reserve_new(sizeof *writer.run);
    writer.chunk = reserve_new(RUN_CHUNK_ENTRIES * sizeof *writer.chunk);
    if (writer.run == NULL || writer.chunk == NULL) {
        run_writer_drop(&writer);
        return STATUS_LIMIT;
    }
    struct run *run = writer.run;
    run->info = *info;
    run->info.entries = 0;
    run->info.chunks = 0;
    size_t size = summary_size(chunks_for(entries_max), blocks_for(entries_max));
    buf_init(&run->summary, size);
    void *summary = buf_extend(&run->summary, size);
    if (summary == NULL) {
        run_writer_drop(&writer);
        return STATUS_LIMIT;
    }
    memset(summary, 0, size);
    run_attach(run, chunks_for(entries_max), blocks_for(entries_max));
    *out_writer = writer;
    return STATUS_OK;
}

static enum status chunk_flush(struct run_writer *writer, struct error *out_error)
{
    struct run *run = writer->run;
    uint32_t number = run->info.chunks;
    ((struct uuid *)(run->summary.data + sizeof(struct summary_head)))[number] =
        writer->chunk[0].key;
    enum status status =
        writer->store->chunk_write(writer->store, run->info.id, number, writer->chunk,
                                   writer->chunk_count * sizeof *writer->chunk, out_error);
    if (status != STATUS_OK) return status;
    run->info.chunks++;
    writer->chunk_count = 0;
    return STATUS_OK;
}

enum status run_writer_add(struct run_writer *writer, const struct index_entry *entry,
                           struct error *out_error)
{
    struct run *run = writer->run;
    CHECK(run->info.entries < writer->entries_max);
    if (run->info.entries == 0) run->key_min = entry->key;
    run->key_max = entry->key;
    run->info.entries++;
    filter_add(run, entry->key);
    writer->chunk[writer->chunk_count++] = *entry;
    if (writer->chunk_count < RUN_CHUNK_ENTRIES) return STATUS_OK;
    return chunk_flush(writer, out_error);
}

enum status run_writer_finish(struct run_writer *writer, struct run **out_run,
                              struct error *out_error)
{
    struct run *run = writer->run;
    CHECK(run->info.entries == writer->entries_max); /* the filter was sized for just these */
    if (writer->chunk_count > 0) {
        enum status status = chunk_flush(writer, out_error);
        if (status != STATUS_OK) return status;
    }
    struct summary_head head = {
        .magic = SUMMARY_MAGIC,
        .chunks = run->info.chunks,
        .entries = run->info.entries,
        .filter_blocks = run->filter_blocks,
        .key_min = run->key_min,
        .key_max = run->key_max,
    };
    head.check = summary_check(head, &run->summary);
    memcpy(run->summary.data, &head, sizeof head);
    *out_run = run;
    writer->run = NULL;
    run_writer_drop(writer);
    return STATUS_OK;
}

void run_writer_drop(struct run_writer *writer)
{
    run_free(writer->run);
    reserve_free(writer->chunk, RUN_CHUNK_ENTRIES * sizeof *writer->chunk);
    *writer = (struct run_writer){ 0 };
}

static enum status cursor_fill(struct run_cursor *cursor, struct error *out_error)
{
    cursor->at = 0;
    cursor->count = 0;
    if (cursor->chunk_number == cursor->run->info.chunks) return STATUS_OK;
    enum status status =
        chunk_load(cursor->run, cursor->store, cursor->chunk_number, &cursor->chunk, out_error);
    if (status != STATUS_OK) return status;
    cursor->chunk_number++;
    cursor->count = (uint32_t)(cursor->chunk.len / sizeof(struct index_entry));
    return STATUS_OK;
}

enum status run_cursor_open(struct run_store *store, const struct run *run,
                            struct run_cursor *out_cursor, struct error *out_error)
{
    *out_cursor = (struct run_cursor){ .store = store, .run = run };
    buf_init(&out_cursor->chunk, RUN_CHUNK_ENTRIES * sizeof(struct index_entry));
    return cursor_fill(out_cursor, out_error);
}

const struct index_entry *run_cursor_entry(const struct run_cursor *cursor)
{
    if (cursor->at == cursor->count) return NULL;
    return (const struct index_entry *)cursor->chunk.data + cursor->at;
}

enum status run_cursor_next(struct run_cursor *cursor, struct error *out_error)
{
    CHECK(cursor->at < cursor->count);
    if (++cursor->at < cursor->count) return STATUS_OK;
    return cursor_fill(cursor, out_error);
}

void run_cursor_close(struct run_cursor *cursor)
{
    buf_free(&cursor->chunk);
}
