#include "cmd/bench_bundle.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "adapter/new_file.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/hex.h"
#include "base/json_member.h"
#include "base/reserve.h"
#include "base/time.h"
#include "crypto/digest.h"
#include "doctor/evidence_line.h"

enum {
    PATH_SIZE = 4096,
    HELD = 1 << 20,     /* bytes written in one go */
    LINES_MAX = 8192,   /* room for what one transaction adds to it */
    PER_ACCOUNT = 20,   /* transactions */
    PER_HOLD = 1000,    /* transactions */
    CLEARING = 8,       /* accounts, on the other side */
    PARTITIONS = 8,     /* of the topic */
    STEP_NS = 1000000,  /* from one transaction to the next */
    OPENING = 1000000,  /* of each account */
    AMOUNT_MAX = 50000, /* of a transaction */
    OPEN_S = 86400,     /* of a hold */
    LSN_STEP = 4096,
    NAME_SIZE = 64,
    MANIFEST_SIZE = 16 << 10,
};
#define FROM_NS INT64_C(1790000000000000000)

enum file { LEDGER, BALANCES, WAL, BROKER, PSP, HOLDS, FILE_COUNT };

/* As the manifest has them. */
static const struct {
    const char *name;
    const char *kinds[2];
    const char *system;
    const char *order;
    unsigned authority;
} sources[FILE_COUNT] = {
    [LEDGER] = { "ledger", { "ledger_tx", "posting" }, "ledger-db", "total", 30 },
    [BALANCES] = { "balances", { "account" }, "ledger-db", "none", 30 },
    [WAL] = { "wal", { "wal" }, "ledger-wal", "total", 40 },
    [BROKER] = { "applied", { "applied" }, "consumer", "partition", 20 },
    [PSP] = { "psp", { "psp" }, "psp", "none", 50 },
    [HOLDS] = { "holds", { "hold" }, "ledger-db", "none", 30 },
};

struct output {
    FILE *file;
    struct buf held;
    struct digest_stream digest;
    uint64_t size;
    uint64_t rows;
};

struct account {
    int64_t balance;
    uint64_t version;
};

/* What is wrong, by the number of its transaction, account or hold. */
struct planted {
    uint64_t unbalanced;
    uint64_t twice;
    uint64_t unknown_to_psp;
    uint64_t other_amount;
    uint64_t balance;
    uint64_t hold;
};

struct writing {
    const char *folder;
    uint64_t transactions;
    uint64_t accounts; /* customers; behind them CLEARING more */
    struct account *books;
    struct planted planted;
    struct mask_counts masked; /* nothing is */
    struct output outputs[FILE_COUNT];
};

static enum status failed(const struct writing *it, struct error *out_error)
{
    return error_set(out_error, status_of_errno(errno), "cannot write in %s: %s", it->folder,
                     strerror(errno));
}

static FILE *file_make(const struct writing *it, const char *name)
{
    char path[PATH_SIZE];
    int len = snprintf(path, sizeof path, "%s/%s.ndjson", it->folder, name);
    CHECK(len > 0 && len < PATH_SIZE);
    return fopen(path, "wxe");
}

static bool flush(struct output *output)
{
    CHECK(!output->held.overflow);
    digest_stream_add(&output->digest, output->held.data, output->held.len);
    output->size += output->held.len;
    bool good = fwrite(output->held.data, 1, output->held.len, output->file) == output->held.len;
    buf_reset(&output->held);
    return good;
}

static int64_t time_of(uint64_t transaction)
{
    return FROM_NS + (int64_t)transaction * STEP_NS;
}

/* The same for the same two, and spread over all of its 64 bits. */
static uint64_t chance(uint64_t number, uint64_t salt)
{
    const uint64_t words[] = { number, salt };
    return hash_bytes(words, sizeof words);
}

static struct evidence_line begin(struct writing *it, enum file file, const char *kind,
                                  int64_t at_ns)
{
    struct evidence_line line;
    it->outputs[file].rows++;
    evidence_begin(&line, &it->outputs[file].held, kind, &it->masked);
    evidence_time(&line, "ts", (struct wall_time){ at_ns });
    return line;
}

static void amount(struct evidence_line *line, const char *name, int64_t minor)
{
    evidence_amount(line, name, (struct signed_amount){ minor });
}

/* A name made of a number, as a word: ids are not looked through for card numbers. */
static void numbered(struct evidence_line *line, const char *name, const char *prefix,
                     uint64_t number)
{
    char text[NAME_SIZE];
    int len = snprintf(text, sizeof text, "%s%010llu", prefix, (unsigned long long)number);
    CHECK(len > 0 && len < NAME_SIZE);
    evidence_word(line, name, text);
}

static void account_field(const struct writing *it, struct evidence_line *line, uint64_t place)
{
    bool clearing = place >= it->accounts;
    numbered(line, "account", clearing ? "clearing" : "w", clearing ? place - it->accounts : place);
}

static void posting_write(struct writing *it, uint64_t number, unsigned leg, int64_t minor)
{
    uint64_t place = leg == 0 ? it->accounts + number % CLEARING : chance(number, 1) % it->accounts;
    struct account *account = &it->books[place];
    account->balance += minor;
    account->version++;
    struct evidence_line line = begin(it, LEDGER, "posting", time_of(number));
    numbered(&line, "tx", "t", number);
    evidence_int(&line, "seq", leg);
    account_field(it, &line, place);
    amount(&line, "amount", minor + (leg == 1 && number == it->planted.unbalanced));
    evidence_word(&line, "ccy", "CNY");
    evidence_int(&line, "ver", (int64_t)account->version);
    evidence_end(&line);
}

static void psp_write(struct writing *it, uint64_t number, int64_t minor)
{
    if (number == it->planted.unknown_to_psp) return;
    struct evidence_line line = begin(it, PSP, "psp", time_of(number));
    numbered(&line, "psp_ref", "ch_", number);
    evidence_word(&line, "type", "charge");
    amount(&line, "amount", minor + (number == it->planted.other_amount ? 7 : 0));
    evidence_word(&line, "ccy", "CNY");
    evidence_word(&line, "state", "succeeded");
    numbered(&line, "line", "", number);
    numbered(&line, "reference", "t", number);
    evidence_end(&line);
}

static void applied_write(struct writing *it, uint64_t number, bool again)
{
    struct evidence_line line =
        begin(it, BROKER, "applied", time_of(number) + (again ? NS_PER_S : 0));
    evidence_word(&line, "group_name", "wallet");
    evidence_word(&line, "topic", "payments");
    evidence_int(&line, "part", (int64_t)(number % PARTITIONS));
    evidence_int(&line, "pos", (int64_t)(number / PARTITIONS));
    evidence_word(&line, "result", "effect");
    numbered(&line, "tx", "t", number);
    numbered(&line, "event", "e", number);
    evidence_end(&line);
}

static void wal_write(struct writing *it, uint64_t number, bool row)
{
    struct evidence_line line = begin(it, WAL, "wal", time_of(number));
    evidence_int(&line, "pos", (int64_t)(number + 1) * LSN_STEP - row);
    evidence_word(&line, "op", row ? "insert" : "commit");
    evidence_int(&line, "xid", (int64_t)number + 1);
    numbered(&line, "tx", "t", number);
    if (row) evidence_word(&line, "table_name", "ledger_tx");
    evidence_end(&line);
}

static void transaction_write(struct writing *it, uint64_t number)
{
    int64_t minor = 1 + (int64_t)(chance(number, 2) % AMOUNT_MAX);
    struct evidence_line line = begin(it, LEDGER, "ledger_tx", time_of(number));
    numbered(&line, "tx", "t", number);
    numbered(&line, "idem", "", chance(number, 3));
    numbered(&line, "psp_ref", "ch_", number);
    account_field(it, &line, chance(number, 1) % it->accounts);
    amount(&line, "amount", minor);
    evidence_word(&line, "ccy", "CNY");
    evidence_word(&line, "state", "posted");
    evidence_word(&line, "type", "payment");
    evidence_word(&line, "cause", "message");
    evidence_int(&line, "xid", (int64_t)number + 1);
    evidence_int(&line, "lsn", (int64_t)(number + 1) * LSN_STEP);
    evidence_end(&line);
    posting_write(it, number, 0, -minor);
    posting_write(it, number, 1, minor);
    wal_write(it, number, false);
    applied_write(it, number, false);
    if (number == it->planted.twice) applied_write(it, number, true);
    psp_write(it, number, minor);
}

static void account_write(struct writing *it, uint64_t place)
{
    bool clearing = place >= it->accounts;
    const struct account *account = &it->books[place];
    struct evidence_line line = begin(it, BALANCES, "account", time_of(it->transactions));
    account_field(it, &line, place);
    evidence_word(&line, "ccy", "CNY");
    amount(&line, "amount", account->balance + OPENING + (place == it->planted.balance ? 100 : 0));
    amount(&line, "opening", OPENING);
    evidence_int(&line, "ver", (int64_t)account->version);
    evidence_word(&line, "type", clearing ? "clearing" : "customer");
    evidence_bool(&line, "unlimited", clearing);
    evidence_end(&line);
}

static void hold_write(struct writing *it, uint64_t number)
{
    bool open = number == it->planted.hold;
    int64_t at_ns = time_of(number * PER_HOLD) - 2 * OPEN_S * NS_PER_S;
    struct evidence_line line = begin(it, HOLDS, "hold", at_ns);
    numbered(&line, "hold", "h", number);
    account_field(it, &line, chance(number, 4) % it->accounts);
    amount(&line, "amount", 500);
    evidence_word(&line, "ccy", "CNY");
    evidence_word(&line, "state", open ? "active" : "expired");
    amount(&line, "released", open ? 0 : 500);
    evidence_time(&line, "expires_ts", (struct wall_time){ at_ns + OPEN_S * NS_PER_S });
    evidence_end(&line);
}

/* Each file is written when enough has come together. */
static enum status held_write(struct writing *it, struct error *out_error)
{
    for (uint32_t i = 0; i < FILE_COUNT; i++) {
        if (it->outputs[i].held.len < HELD) continue;
        if (!flush(&it->outputs[i])) return failed(it, out_error);
    }
    return STATUS_OK;
}

static enum status records_write(struct writing *it, struct error *out_error)
{
    enum status status = STATUS_OK;
    for (uint64_t i = 0; status == STATUS_OK && i < it->transactions; i++) {
        transaction_write(it, i);
        status = held_write(it, out_error);
    }
    wal_write(it, it->transactions, true);
    wal_write(it, it->transactions, false);
    for (uint64_t i = 0; status == STATUS_OK && i < it->accounts + CLEARING; i++) {
        account_write(it, i);
        status = held_write(it, out_error);
    }
    for (uint64_t i = 0; status == STATUS_OK && i < it->transactions / PER_HOLD; i++) {
        hold_write(it, i);
        status = held_write(it, out_error);
    }
    return status;
}

static void time_member(struct json_writer *writer, const char *name, int64_t at_ns)
{
    char text[TIME_TEXT_SIZE];
    json_member_text(writer, name, wall_time_format((struct wall_time){ at_ns }, text));
}

static void source_write(struct json_writer *writer, enum file file, struct output *output)
{
    struct digest digest = digest_stream_end(&output->digest);
    char hex[2 * sizeof digest.bytes + 1];
    char path[NAME_SIZE];
    int len = snprintf(path, sizeof path, "%s.ndjson", sources[file].name);
    CHECK(len > 0 && len < NAME_SIZE);
    json_write_object_begin(writer);
    json_member_text(writer, "path", str_from(path));
    json_write_key(writer, STR("kind"));
    json_write_array_begin(writer);
    for (size_t i = 0; i < 2 && sources[file].kinds[i] != NULL; i++)
        json_write_string(writer, str_from(sources[file].kinds[i]));
    json_write_array_end(writer);
    json_member_text(writer, "system", str_from(sources[file].system));
    json_member_text(writer, "order", str_from(sources[file].order));
    json_write_key(writer, STR("authority"));
    json_write_uint64(writer, sources[file].authority);
    json_write_key(writer, STR("size"));
    json_write_uint64(writer, output->size);
    json_write_key(writer, STR("rows"));
    json_write_uint64(writer, output->rows);
    json_member_text(writer, "sha256", hex_format(digest.bytes, sizeof digest.bytes, hex));
    json_write_object_end(writer);
}

static enum status manifest_write(struct writing *it, struct error *out_error)
{
    BUF_SCOPE struct buf out;
    buf_init(&out, MANIFEST_SIZE);
    struct json_writer writer;
    int64_t to_ns = time_of(it->transactions) + 3600 * NS_PER_S;
    json_writer_init(&writer, &out);
    json_write_object_begin(&writer);
    json_member_text(&writer, "format", STR("tpwallet-bundle-1"));
    json_member_text(&writer, "incident", STR("BENCH"));
    time_member(&writer, "as_of", to_ns);
    json_write_key(&writer, STR("window"));
    json_write_object_begin(&writer);
    time_member(&writer, "from", FROM_NS - 3 * OPEN_S * NS_PER_S);
    time_member(&writer, "to", to_ns);
    json_write_object_end(&writer);
    json_write_key(&writer, STR("sources"));
    json_write_array_begin(&writer);
    for (int i = 0; i < FILE_COUNT; i++) source_write(&writer, (enum file)i, &it->outputs[i]);
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    CHECK(json_write_end(&writer) == STATUS_OK); /* far smaller than the buf */
    char path[PATH_SIZE];
    int len = snprintf(path, sizeof path, "%s/manifest.json", it->folder);
    CHECK(len > 0 && len < PATH_SIZE);
    return new_file_write(path, buf_view(&out), 0600, out_error);
}

static enum status outputs_close(struct writing *it, enum status status, struct error *out_error)
{
    for (uint32_t i = 0; i < FILE_COUNT; i++) {
        struct output *output = &it->outputs[i];
        if (output->file == NULL) continue;
        bool good = status != STATUS_OK || flush(output);
        good = fclose(output->file) == 0 && good;
        if (!good && status == STATUS_OK) status = failed(it, out_error);
        buf_free(&output->held);
    }
    return status;
}

enum status bench_bundle_write(const char *folder, uint64_t transactions,
                               struct bench_bundle_written *out_written, struct error *out_error)
{
    CHECK(transactions >= BENCH_BUNDLE_TRANSACTIONS_MIN);
    struct writing it = {
        .folder = folder,
        .transactions = transactions,
        .accounts = transactions / PER_ACCOUNT,
        .planted = { .unbalanced = transactions / 7,
                     .twice = transactions / 3,
                     .unknown_to_psp = transactions / 2,
                     .other_amount = transactions / 5,
                     .balance = transactions / PER_ACCOUNT / 2,
                     .hold = transactions / PER_HOLD / 2 },
    };
    size_t books_size = (it.accounts + CLEARING) * sizeof *it.books;
    it.books = reserve_new(books_size);
    enum status status = STATUS_OK;
    if (it.books == NULL) status = error_set(out_error, STATUS_LIMIT, "no memory for the accounts");
    for (uint32_t i = 0; status == STATUS_OK && i < FILE_COUNT; i++) {
        buf_init(&it.outputs[i].held, HELD + LINES_MAX);
        digest_stream_init(&it.outputs[i].digest);
        it.outputs[i].file = file_make(&it, sources[i].name);
        if (it.outputs[i].file == NULL) status = failed(&it, out_error);
    }
    if (status == STATUS_OK) status = records_write(&it, out_error);
    status = outputs_close(&it, status, out_error);
    if (status == STATUS_OK) status = manifest_write(&it, out_error);
    reserve_free(it.books, books_size);
    *out_written = (struct bench_bundle_written){ 0 };
    for (uint32_t i = 0; i < FILE_COUNT; i++) {
        out_written->records += it.outputs[i].rows;
        out_written->bytes += it.outputs[i].size;
    }
    return status;
}
