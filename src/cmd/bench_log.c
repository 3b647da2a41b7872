/* tpwallet bench log: what the verifiable log costs, in memory: leaves, proofs, reserves. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "adapter/system_clock.h"
#include "base/check.h"
#include "base/histogram.h"
#include "base/json_writer.h"
#include "base/prng.h"
#include "base/reserve.h"
#include "cmd/command.h"
#include "cmd/report.h"
#include "tlog/leaf.h"
#include "tlog/sum_tree.h"
#include "tlog/tile_reader.h"
#include "tlog/tree_proof.h"

enum { PROOFS = 10000, LEVELS = 4 /* of tiles: enough for 2^32 leaves */ };

struct options {
    uint64_t leaves;
    uint64_t customers;
    uint64_t shares;
};

struct figures {
    uint64_t leaves_ns; /* made of records, hashed, appended */
    uint64_t append_ns; /* hashed and appended alone, as a verifier does */
    uint64_t sums_ns;
    struct histogram inclusion;
    struct histogram consistency;
    struct histogram reserves;
};

/* The tiles, as arrays of their hashes. */
struct log {
    struct tile_source source;
    uint64_t leaves;
    struct digest *hashes[LEVELS];
    struct tree tree;
};

static uint64_t now_ns(void)
{
    return (uint64_t)clock_monotonic(system_clock()).ns;
}

static size_t level_size(uint64_t leaves, unsigned level)
{
    return ((leaves >> (TILE_HEIGHT * level)) + 1) * sizeof(struct digest);
}

static enum status read_tile(struct tile_source *source, const struct tile *tile,
                             struct digest out_hashes[TILE_WIDTH])
{
    struct log *log = (struct log *)source;
    const struct digest *from = &log->hashes[tile->level][tile->index * TILE_WIDTH];
    memcpy(out_hashes, from, tile->width * sizeof *from);
    return STATUS_OK;
}

static enum status log_open(struct log *log, uint64_t leaves)
{
    *log = (struct log){ .source = { read_tile }, .leaves = leaves };
    tree_init(&log->tree);
    for (unsigned level = 0; level < LEVELS; level++) {
        log->hashes[level] = reserve_new(level_size(leaves, level));
        if (log->hashes[level] == NULL) return STATUS_LIMIT;
    }
    return STATUS_OK;
}

static void log_close(struct log *log)
{
    for (unsigned level = 0; level < LEVELS; level++) {
        reserve_free(log->hashes[level], level_size(log->leaves, level));
    }
}

static void log_append(struct log *log, struct str entry)
{
    struct digest hash = tree_leaf(entry.data, entry.len);
    tree_append(&log->tree, &hash);
    uint64_t size = log->tree.size;
    for (unsigned level = 0; level < LEVELS; level++) {
        unsigned height = TILE_HEIGHT * level;
        if (size % (UINT64_C(1) << height) != 0) break;
        log->hashes[level][(size >> height) - 1] = log->tree.newest[height];
    }
}

/* Units of one transfer each, in batches as large as a request. */
static void measure_leaves(struct log *log, struct figures *figures)
{
    struct leaf leaf;
    uint8_t bytes[LEAF_KEY_SIZE] = { 1 };
    struct secret SECRET_SCOPE key;
    enum status status = secret_take(bytes, sizeof bytes, &key);
    CHECK(status == STATUS_OK);
    struct record_context context = {
        .head = { .type = RECORD_CONTEXT, .size = sizeof context },
        .principal = PRINCIPAL_LOCAL,
    };
    struct record_transfer transfer = {
        .head = { .type = RECORD_TRANSFER, .kind = TRANSFER_DIRECT, .size = sizeof transfer },
        .amount = { 100 },
    };
    uint64_t begin = now_ns();
    for (uint64_t i = 0; i < log->leaves; i++) {
        const struct leaf_head head = {
            .batch = 1 + i / BATCH_UNITS_MAX,
            .unit = (uint32_t)(i % BATCH_UNITS_MAX),
            .stamp = { 1 },
        };
        transfer.id.value.lo = i;
        leaf_begin(&leaf, &head);
        leaf_add(&leaf, &key, &context.head);
        leaf_add(&leaf, &key, &transfer.head);
        log_append(log, leaf_bytes(&leaf));
    }
    figures->leaves_ns = now_ns() - begin;

    struct tree tree;
    tree_init(&tree);
    begin = now_ns();
    for (uint64_t i = 0; i < log->leaves; i++) {
        leaf.head.unit = (uint32_t)i;
        struct str entry = leaf_bytes(&leaf);
        struct digest hash = tree_leaf(entry.data, entry.len);
        tree_append(&tree, &hash);
    }
    figures->append_ns = now_ns() - begin;
}

/* Each from the beginning: no tile is kept from one proof to the next. */
static void measure_proofs(struct log *log, struct figures *figures)
{
    struct tile_reader tiles;
    struct prng prng;
    struct error error;
    prng_init(&prng, 1);
    uint64_t size = log->leaves;
    const struct tree_head head = { size, tree_root(&log->tree) };
    for (unsigned i = 0; i < PROOFS; i++) {
        struct tree_proof proof;
        struct tree_head old = { .size = prng_between(&prng, 1, size) };
        uint64_t index = prng_below(&prng, size);
        uint64_t begin = now_ns();
        tile_reader_init(&tiles, &log->source, size);
        enum status status = tree_prove_inclusion(&tiles.reader, index, size, &proof);
        histogram_add(&figures->inclusion, now_ns() - begin);
        CHECK(status == STATUS_OK);
        status = tree_verify_inclusion(&head, index, &log->hashes[0][index], &proof, &error);
        CHECK(status == STATUS_OK);
        begin = now_ns();
        tile_reader_init(&tiles, &log->source, size);
        status = tree_prove_consistency(&tiles.reader, old.size, size, &proof);
        histogram_add(&figures->consistency, now_ns() - begin);
        CHECK(status == STATUS_OK);
        status = tree_read_root(&tiles.reader, old.size, &old.root);
        CHECK(status == STATUS_OK);
        status = tree_verify_consistency(&old, &head, &proof, &error);
        CHECK(status == STATUS_OK);
    }
}

struct reserves {
    struct sum_tree tree;
    struct sum_liability *liabilities;
    size_t nodes_size;
    size_t order_size;
    size_t liabilities_size;
};

static enum status reserves_open(struct reserves *reserves, const struct options *options,
                                 const struct secret *key)
{
    uint32_t shares = (uint32_t)options->shares;
    uint32_t height = sum_tree_height(options->customers, shares, 64);
    if (height > SUM_HEIGHT_MAX) return STATUS_LIMIT;
    *reserves = (struct reserves){
        .nodes_size = (sizeof(struct sum_node) * 2) << height,
        .order_size = sizeof(uint32_t) << height,
        .liabilities_size = options->customers * sizeof(struct sum_liability),
        .tree.options = { .height = height, .shares = shares, .key = key },
    };
    reserves->tree.nodes = reserve_new(reserves->nodes_size);
    reserves->tree.order = reserve_new(reserves->order_size);
    reserves->liabilities = reserve_new(reserves->liabilities_size);
    bool room = reserves->tree.nodes != NULL && reserves->tree.order != NULL &&
                reserves->liabilities != NULL;
    return room ? STATUS_OK : STATUS_LIMIT;
}

static void reserves_close(struct reserves *reserves)
{
    reserve_free(reserves->tree.nodes, reserves->nodes_size);
    reserve_free(reserves->tree.order, reserves->order_size);
    reserve_free(reserves->liabilities, reserves->liabilities_size);
}

static enum status measure_reserves(const struct options *options, struct figures *figures)
{
    struct sum_proof proof;
    struct reserves reserves;
    struct prng prng;
    uint8_t bytes[SUM_KEY_SIZE] = { 1 };
    struct secret SECRET_SCOPE key;
    enum status status = secret_take(bytes, sizeof bytes, &key);
    if (status == STATUS_OK) status = reserves_open(&reserves, options, &key);
    if (status != STATUS_OK) return status;
    prng_init(&prng, 2);
    for (uint64_t i = 0; i < options->customers; i++) {
        struct uuid id = { .lo = prng_next(&prng), .hi = i };
        struct money balance = money_from_minor(prng_below(&prng, 1000000));
        reserves.liabilities[i] = (struct sum_liability){ { id }, balance };
    }
    uint64_t begin = now_ns();
    status = sum_tree_build(&reserves.tree, reserves.liabilities, options->customers);
    figures->sums_ns = now_ns() - begin;
    CHECK(status == STATUS_OK);
    const struct sum_head head = sum_tree_head(&reserves.tree);
    for (unsigned i = 0; i < PROOFS; i++) {
        uint64_t index = prng_below(&prng, options->customers);
        const struct sum_liability *liability = &reserves.liabilities[index];
        struct money balance;
        struct error error;
        begin = now_ns();
        sum_tree_prove(&reserves.tree, index, liability, &proof);
        histogram_add(&figures->reserves, now_ns() - begin);
        status = sum_verify(&head, liability->account, &proof, &balance, &error);
        CHECK(status == STATUS_OK);
        CHECK(money_equal(balance, liability->balance));
    }
    reserves_close(&reserves);
    return STATUS_OK;
}

static uint64_t per_second(uint64_t count, uint64_t elapsed_ns)
{
    return count * 1000000 / (elapsed_ns / 1000 + 1);
}

static int report(const struct invocation *invocation, const struct options *options,
                  const struct figures *figures)
{
    const struct {
        const char *name;
        const char *text;
        uint64_t number;
    } lines[] = {
        { "leaves_per_second", "leaves/s, made, hashed, appended",
          per_second(options->leaves, figures->leaves_ns) },
        { "appends_per_second", "leaves/s, hashed and appended",
          per_second(options->leaves, figures->append_ns) },
        { "inclusion_p50_us", "inclusion proof, p50 us",
          histogram_quantile(&figures->inclusion, 500) / 1000 },
        { "inclusion_p99_us", "inclusion proof, p99 us",
          histogram_quantile(&figures->inclusion, 990) / 1000 },
        { "consistency_p50_us", "consistency proof, p50 us",
          histogram_quantile(&figures->consistency, 500) / 1000 },
        { "consistency_p99_us", "consistency proof, p99 us",
          histogram_quantile(&figures->consistency, 990) / 1000 },
        { "sum_tree_ms", "sum tree, ms", figures->sums_ns / 1000000 },
        { "sum_proof_p99_us", "proof of a balance, p99 us",
          histogram_quantile(&figures->reserves, 990) / 1000 },
    };
    BUF_SCOPE struct buf out;
    buf_init(&out, 4096);
    struct json_writer writer;
    json_writer_init(&writer, &out);
    if (invocation->json) json_write_object_begin(&writer);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (!invocation->json) {
            buf_append_format(&out, "%-34s %" PRIu64 "\n", lines[i].text, lines[i].number);
            continue;
        }
        json_write_key(&writer, str_from(lines[i].name));
        json_write_uint64(&writer, lines[i].number);
    }
    if (invocation->json) {
        json_write_object_end(&writer);
        CHECK(json_write_end(&writer) == STATUS_OK);
        buf_append_byte(&out, '\n');
    }
    return report_text(invocation, buf_view(&out));
}

static enum status options_parse(const struct invocation *invocation, struct options *options,
                                 struct error *out_error)
{
    const struct {
        const char *name;
        struct number_range range;
        uint64_t *value;
    } numbers[] = {
        { "leaves", { 1, UINT64_C(1) << 31 }, &options->leaves },
        { "customers", { 1, UINT64_C(1) << 24 }, &options->customers },
        { "shares", { 1, SUM_SHARES_MAX }, &options->shares },
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        enum status status = invocation_number(invocation, numbers[i].name, numbers[i].range,
                                               numbers[i].value, out_error);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

static int bench_run(struct invocation *invocation)
{
    struct error error = { 0 };
    struct options options = { 0 };
    struct figures figures = { 0 };
    struct log log;
    if (options_parse(invocation, &options, &error) != STATUS_OK) {
        return report_error(invocation, &error);
    }
    enum status status = log_open(&log, options.leaves);
    if (status == STATUS_OK) {
        measure_leaves(&log, &figures);
        measure_proofs(&log, &figures);
    }
    log_close(&log);
    if (status == STATUS_OK) status = measure_reserves(&options, &figures);
    if (status != STATUS_OK) {
        (void)error_set(&error, status, "there is not enough memory for so many"); /* as it is */
        return report_error(invocation, &error);
    }
    return report(invocation, &options, &figures);
}

static const struct option bench_options[] = {
    { "leaves", "N", "how many units of one transfer the log gets; 32 bytes of memory each",
      "10M" },
    { "customers", "N", "how many balances the sum tree gets", "1M" },
    { "shares", "N", "shares that each balance is cut into, 1 to 8", "2" },
    { 0 },
};

const struct command command_bench_log = {
    .name = "bench log",
    .summary = "measure the verifiable log in memory: leaves, proofs, the sum tree of reserves",
    .details = "Makes leaves of records as the journal has them, hashes and appends them on one\n"
               "core; makes 10,000 proofs at random, each from tiles that nobody holds, and\n"
               "verifies them; builds a sum tree and proves 10,000 balances.",
    .options = bench_options,
    .examples = "bench log\n"
                "bench log --leaves 1M --customers 100k --json",
    .run = bench_run,
};
